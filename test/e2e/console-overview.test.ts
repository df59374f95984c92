/** The console's overview in Chromium: health, ends of models, and every state that the page can be in. */
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { DAY_MS } from '../../src/calendar.ts'
import {
  createKey,
  expectSound,
  hasNoBrowser,
  signIn,
  useBrowser,
  useKey,
} from '../support/node/console-page.ts'

/** Answers of a gateway whose parts fail. */
const SICK = {
  state: 'degraded',
  at: '2026-11-26T12:00:00.000Z',
  parts: {
    kv: {
      state: 'failed',
      ms: 2_000,
      reason: 'Error: no answer within 2000 ms',
      action: 'Look at the status page.',
    },
    accounts: { state: 'ok', ms: 4 },
    directory: { state: 'ok', ms: 5 },
    upstream: {
      state: 'failed',
      lastAnswerAt: null,
      lastFailureAt: '2026-11-26T11:59:00.000Z',
      reason: 'upstream_no_credit, status 402',
      action: 'Add credit.',
    },
  },
}

const NO_SUMS = Object.fromEntries(
  [
    'requests',
    'failures',
    'refused',
    'promptTokens',
    'cachedTokens',
    'completionTokens',
    'reasoningTokens',
    'costUsd',
  ]
    .concat('pending', 'estimated', 'estimatedUsd')
    .map((name) => [name, 0]),
)

/** The text of a figure or of a cell of money: what is below a cent stands in an element of its own. */
function money(usd: number): string {
  return usd.toLocaleString('en-US', { style: 'currency', currency: 'USD', minimumFractionDigits: 6 })
}

function panel(page: Page, name: string) {
  return page.getByRole('region', { name, exact: true })
}

describe.skipIf(hasNoBrowser)('the overview', { timeout: 60_000 }, () => {
  const openPage = useBrowser()

  it('says what works, and for a part that fails why and what to do', async () => {
    const { page, problems } = await openPage('/console', { colorScheme: 'dark' })
    await signIn(page)
    const health = panel(page, 'Health')
    await health
      .getByText(/Called in \d+ ms/)
      .first()
      .waitFor()
    expect(await health.getByText('Works', { exact: true }).count()).toBeGreaterThanOrEqual(3)
    await page.route('**/admin/health', (route) => route.fulfill({ json: SICK }))
    await health.getByRole('button', { name: 'Check again' }).click()
    for (const text of ['no answer within 2000 ms', 'Look at the status page.', '402', 'Add credit.'])
      await health.getByText(text).waitFor()
    expect(await health.getByText('Fails', { exact: true }).count()).toBe(2)
    await expectSound(page)
    expect(problems).toEqual([])
  })

  it('saves the usage of its days as a file, and says why it cannot', async () => {
    const { page, problems } = await openPage('/console')
    await signIn(page)
    const started = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download CSV' }).click()
    const file = await started
    expect(file.suggestedFilename()).toMatch(/^usage-\d{4}-\d\d-\d\d-to-\d{4}-\d\d-\d\d\.csv$/)
    expect(await readFile(await file.path(), 'utf8')).toMatch(/^date,key_id,key_name,model,requests,.*\r\n/)
    expect(problems).toEqual([])
    await page.route('**/admin/usage?format=csv*', (route) => route.abort())
    await page.getByRole('button', { name: 'Download CSV' }).click()
    await page.getByText('The gateway does not answer').waitFor()
    await expectSound(page)
  })

  it('has each model’s end and its cost on the successors, equal to the API’s, and the line that moves it', async () => {
    const { secret } = await createKey({ name: 'calendar' })
    await useKey(secret, { prompt_tokens: 100_000, completion_tokens: 10_000 })
    const { page, problems } = await openPage('/console')
    const answers = ['gpt-6-luna', 'gpt-6.1-sol', 'gpt-6-astra'].map((slug) =>
      page.waitForResponse(new RegExp(`priceAs=openai%2F${slug}`)),
    )
    await signIn(page)
    const calendar = panel(page, 'Models and their ends')
    const row = calendar
      .getByRole('row')
      .filter({ hasText: /^o3-mini/ })
      .first()
    await row.getByText(/^Ended \d+ days ago$/).waitFor()
    await row.getByText('23 Oct 2026').waitFor()
    const cells = await row.getByRole('cell').allTextContents()
    const expected: (string | undefined)[] = []
    for (const answer of answers) {
      const { data } = (await (await answer).json()) as { data: { model: string; pricedAsUsd: number }[] }
      const sum = data.find(({ model }) => model === 'o3-mini')?.pricedAsUsd ?? 0
      expected.push(money(sum))
    }
    expect(cells.slice(2)).toEqual(expected)
    await calendar.getByRole('button', { name: 'Copy the line for wrangler.toml' }).click()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toContain(
      `MODELS = '{"o3-mini":"openai/gpt-6-luna"`,
    )
    expect(problems).toEqual([])
  })

  it('marks an end by its distance, and shows a name that was moved and one that is gone', async () => {
    const dayIn = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10)
    const listed = (id: string, slug: string, shutdownDate: string | null) => {
      return { id, slug: `openai/${slug}`, configuredAs: id, shutdownDate }
    }
    const data = [
      listed('moved', 'gpt-6-luna', null),
      listed('far', 'gpt-5.1', dayIn(100)),
      listed('soon', 'o3', dayIn(15)),
    ]
    const used = ['far', 'gone', 'moved', 'soon'].map((model) => ({ ...NO_SUMS, model, pricedAsUsd: 0.25 }))
    const { page, problems } = await openPage('/console', { colorScheme: 'dark' })
    await page.route('**/admin/models', (route) =>
      route.fulfill({ json: { data, successors: ['openai/gpt-6-luna'] } }),
    )
    await page.route('**/admin/usage?by=model*', (route) =>
      route.fulfill({ json: { data: used, total: NO_SUMS, usageTags: [], nextCursor: null } }),
    )
    await signIn(page)
    const calendar = panel(page, 'Models and their ends')
    await calendar.getByText('Ends in 15 days').waitFor()
    const rows = await calendar
      .locator('tbody tr')
      .evaluateAll((found) => found.map((row) => Array.from(row.children, ({ textContent }) => textContent)))
    expect(rows.map(([name, end, , successor]) => [name, end, successor])).toEqual([
      ['soonopenai/o3', expect.stringMatching(/^Ends in 15 days/), '$0.250000'],
      ['faropenai/gpt-5.1', expect.stringMatching(/^Ends in 100 days/), '$0.250000'],
      ['gone', 'No longer in MODELS', '$0.250000'],
      ['movedopenai/gpt-6-luna', 'None announced', 'This model'],
    ])
    await calendar.getByText(`MODELS = '{"soon":"openai/gpt-6-luna","far":"openai/gpt-6-luna"}'`).waitFor()
    await expectSound(page)
    expect(problems).toEqual([])
  })

  it('shows that it loads, then an error with its request id, and asks again', async () => {
    const { page, problems } = await openPage('/console')
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    let isBroken = true
    await page.route('**/admin/usage?by=day*', async (route) => {
      await held
      if (!isBroken) return route.continue()
      const error = {
        message: 'The usage is not available.',
        type: 'server_error',
        param: null,
        code: 'usage_unavailable',
      }
      return route.fulfill({ status: 503, headers: { 'x-request-id': 'req_broken' }, json: { error } })
    })
    await signIn(page)
    await page.getByText('Loading…').first().waitFor({ state: 'attached' })
    await expectSound(page)
    release()
    await page.getByText('The usage is not available.').waitFor()
    await page.getByText('req_broken').waitFor()
    await expectSound(page)
    isBroken = false
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('heading', { name: 'Today' }).waitFor()
    expect(await page.getByText('req_broken').count()).toBe(0)
    expect(problems).toEqual([])
  })

  it('without any usage leads to the first key, and still says when o3-mini ended', async () => {
    const { page } = await openPage('/console', { width: 360 })
    await page.route('**/admin/usage?*', (route) =>
      route.fulfill({ json: { data: [], total: NO_SUMS, usageTags: [], nextCursor: null } }),
    )
    await signIn(page)
    await page.getByText('No requests in the last 30 days').waitFor()
    await panel(page, 'Models and their ends')
      .getByText(/^Ended \d+ days ago$/)
      .waitFor()
    await expectSound(page)
    await page.getByRole('link', { name: 'Create a key' }).click()
    await page.getByRole('heading', { name: 'Keys' }).waitFor()
  })

  it('says that it is offline, keeps what it has, and goes on when it is back', async () => {
    const { page } = await openPage('/console')
    await signIn(page)
    await page.getByRole('heading', { name: 'Today' }).waitFor()
    await page.context().setOffline(true)
    await page.getByText('You are offline. What you see may be old.').waitFor()
    await page.getByRole('button', { name: 'Refresh' }).click()
    await page.getByText('You are offline. Connect and try again.').first().waitFor()
    expect(await page.getByRole('heading', { name: 'Today' }).count()).toBe(1)
    await expectSound(page)
    await page.context().setOffline(false)
    await expect.poll(() => page.getByText('You are offline').count()).toBe(0)
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  it('ends the session when the token is refused, and says why', async () => {
    const { page } = await openPage('/console')
    await page.locator('input').fill('x'.repeat(40))
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').waitFor()
    await signIn(page)
    await page.evaluate(() => sessionStorage.setItem('gateway-admin-token', 'y'.repeat(40)))
    await page.reload()
    await page.getByText('You are signed out').waitFor()
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
  })
})

describe.skipIf(hasNoBrowser)('each page', { timeout: 90_000 }, () => {
  const openPage = useBrowser()

  it.each([320, 2560])('fits into %d px without a horizontal scroll', async (width) => {
    const budget = { usd: 20, period: 'month' }
    const { id, secret } = await createKey({ name: `wide-${'w'.repeat(80)}`, limits: { budget } })
    const { page, problems } = await openPage('/console', { width })
    await signIn(page)
    await page.getByText('On gpt-6-luna').waitFor()
    await expectSound(page)
    for (const [hash, text] of [
      ['#/keys', 'This month'],
      [`#/keys/${id}`, 'What is left'],
      ['#/playground', 'The answer appears here'],
    ]) {
      await page.goto(`${page.url().split('#')[0] ?? ''}${hash ?? ''}`)
      await page
        .getByText(text ?? '')
        .first()
        .waitFor()
      await expectSound(page)
    }
    const holder = await openPage('/usage', { width })
    await signIn(holder.page, secret)
    await holder.page.getByText('What is left').waitFor()
    await expectSound(holder.page)
    expect([...problems, ...holder.problems]).toEqual([])
  })
})
