/** The console's playground in Chromium: its own short-lived key, and what it says of an answer. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import {
  asOperator,
  createKey,
  expectSound,
  hasNoBrowser,
  signIn,
  useBrowser,
} from '../support/node/console-page.ts'

interface Lent {
  expiresAt: string
  limits: object
}

async function ask(page: Page, prompt: string): Promise<void> {
  await page.getByLabel('Prompt', { exact: true }).fill(prompt)
  await page.getByRole('button', { name: 'Send' }).click()
}

function factOf(page: Page, name: string) {
  return page.locator('.facts div', { has: page.getByText(name, { exact: true }) }).locator('dd')
}

async function stateOf(id: string): Promise<number> {
  return (await asOperator('GET', `/admin/keys/${id}`)).status
}

describe.skipIf(hasNoBrowser)('the playground', { timeout: 60_000 }, () => {
  const openPage = useBrowser()

  it('makes a key for an hour and a dollar, and deletes it when it is told, at the sign-out and with the page', async () => {
    const { page, problems } = await openPage('/console#/playground', { colorScheme: 'dark' })
    await signIn(page)
    const lentId = async (): Promise<string> => {
      await ask(page, 'Hi')
      await page.getByText('Done', { exact: true }).waitFor()
      return (await page.locator('.lent code').textContent()) ?? ''
    }
    const first = await lentId()
    const { expiresAt, limits } = (await (await asOperator('GET', `/admin/keys/${first}`)).json()) as Lent
    expect(limits).toEqual({ budget: { usd: 1, period: 'total' } })
    const lifeMs = Date.parse(expiresAt) - Date.now()
    expect(lifeMs > 3_500_000 && lifeMs <= 3_600_000).toBe(true)
    await expectSound(page)
    await page.getByRole('button', { name: 'Delete it now' }).click()
    await expect.poll(() => stateOf(first), { timeout: 10_000 }).toBe(404)

    const second = await lentId()
    expect(second).not.toBe(first)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Sign in' }).waitFor()
    await expect.poll(() => stateOf(second), { timeout: 10_000 }).toBe(404)

    await signIn(page)
    const third = await lentId()
    await page.goto('about:blank')
    await expect.poll(() => stateOf(third), { timeout: 10_000 }).toBe(404)
    expect(problems.filter((text) => !text.includes('about:blank'))).toEqual([])
  })

  it('shows the cost that the key is billed', async () => {
    // The stream of a key with a budget is metered, so that its bill is exact at once.
    const { id, secret } = await createKey({ name: 'billed', limits: { budget: { usd: 1, period: 'day' } } })
    const { page, problems } = await openPage('/console#/playground')
    await signIn(page)
    await page.getByRole('button', { name: 'Paste a secret' }).click()
    await page.getByLabel('Secret').fill(secret)
    await ask(page, 'What are the three laws of thermodynamics?')
    await page.getByText('Done', { exact: true }).waitFor()
    const shown = await factOf(page, 'Cost').textContent()
    expect(shown).toMatch(/, by this gateway’s prices of o3-mini$/)
    const billed = async (): Promise<number> => {
      const response = await asOperator('GET', `/admin/keys/${id}/usage`)
      return ((await response.json()) as { total: { costUsd: number } }).total.costUsd
    }
    await expect.poll(billed, { timeout: 5_000 }).toBe(Number(/^\$([\d.]+)/.exec(shown ?? '')?.[1]))
    expect(await factOf(page, 'Request id').textContent()).toMatch(/^req_[0-9A-Za-z]{32}$/)
    await page.getByText('Raw events').click()
    await page.getByLabel('Raw events', { exact: true }).getByText('data: [DONE]').waitFor()
    await expectSound(page)
    expect(problems).toEqual([])
  })

  it('stops an answer without asking again, and says that its cost is an estimate', async () => {
    const { page } = await openPage('/console#/playground')
    await signIn(page)
    let calls = 0
    await page.route('**/v1/chat/completions', (route) => {
      calls += 1
      const body = route.request().postDataJSON() as object
      return route.continue({ postData: JSON.stringify({ ...body, simulate: { hang: 4 } }) })
    })
    await ask(page, 'Hi')
    await page.getByLabel('Text of the answer').waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByText('Stopped', { exact: true }).waitFor()
    expect(await factOf(page, 'Cost').textContent()).toMatch(/^An estimate/)
    expect(calls).toBe(1)
    await expectSound(page)
  })

  it('shows why a secret was refused, and sends again with another one', async () => {
    const { secret } = await createKey({ name: 'pasted' })
    const { page } = await openPage('/console#/playground', { width: 360 })
    await signIn(page)
    await page.getByRole('button', { name: 'Paste a secret' }).click()
    await page.getByLabel('Secret').fill('sk-gw-nobody')
    await ask(page, 'Hi')
    await page.getByText('Failed', { exact: true }).waitFor()
    await page.getByText(/Incorrect API key/).waitFor()
    expect(await factOf(page, 'Cost').count()).toBe(0)
    await expectSound(page)
    await page.getByLabel('Secret').fill(secret)
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('Done', { exact: true }).waitFor()
  })
})
