/** Usage by tag on the console and on the holder's page in Chromium. */
import type { Page, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  ADMIN_TOKEN,
  createKey,
  expectSound,
  hasNoBrowser,
  signIn,
  useBrowser,
} from '../support/node/console-page.ts'
import { type OfflineGateway, startOfflineGateway } from '../support/node/offline-gateway.ts'

const SUMS = {
  requests: 3,
  failures: 0,
  refused: 0,
  promptTokens: 1_000,
  cachedTokens: 0,
  completionTokens: 500,
  reasoningTokens: 0,
  costUsd: 0.25,
  pending: 0,
  estimated: 0,
  estimatedUsd: 0,
}
const HOSTILE = `<b onclick=alert(1)>${'m'.repeat(44)}`
/** More values than a table shows. */
const VALUES = [null, HOSTILE, ...Array.from({ length: 11 }, (_, at) => `team ${at}`)]
const BY_TAG = VALUES.map((value, at) => ({ value, ...SUMS, costUsd: (VALUES.length - at) / 4 }))
const TAGS = [
  { tags: { team: 'search', project: 'atlas' }, ...SUMS },
  { tags: { team: HOSTILE }, ...SUMS },
  { tags: { project: '(other)' }, ...SUMS },
]

/** Puts fields into a real answer. */
async function extend(route: Route, fields: object): Promise<void> {
  const answer = await route.fetch()
  await route.fulfill({ response: answer, json: { ...((await answer.json()) as object), ...fields } })
}

/** Puts made-up usage into the answers, more than a test can make. */
async function useTags(page: Page, usageTags: readonly string[]): Promise<void> {
  await page.route('**/admin/usage?by=day*', (route) => extend(route, { usageTags, total: SUMS }))
  await page.route('**/admin/usage?by=tag*', (route) =>
    route.fulfill({ json: { data: BY_TAG, total: SUMS, usageTags, nextCursor: null } }),
  )
}

/** The first cells of a table's rows. */
function firstCells(page: Page, caption: string): Promise<string[]> {
  return page.getByRole('region', { name: caption, exact: true }).locator('tbody th').allTextContents()
}

describe.skipIf(hasNoBrowser)('much usage by tag', { timeout: 60_000 }, () => {
  const openPage = useBrowser()

  it('is on the overview for each tag, the dearest first, and a tag that fails leaves the rest', async () => {
    const { page, problems } = await openPage('/console', { width: 360, colorScheme: 'dark' })
    await useTags(page, ['team', 'project'])
    const error = { message: 'No usage now.', type: 'server_error', param: null, code: 'usage_unavailable' }
    await page.route('**/admin/usage?by=tag&tag=project*', (route) =>
      route.fulfill({ status: 503, json: { error } }),
    )
    await signIn(page)
    await page.getByRole('heading', { name: 'By tag: project' }).waitFor()
    await page.getByText('No usage now.').waitFor()
    await expect
      .poll(() => firstCells(page, 'Usage by the tag team'))
      .toEqual(['Without this tag', HOSTILE, ...Array.from({ length: 8 }, (_, at) => `team ${at}`)])
    await page.getByText('And 3 others that cost less.').waitFor()
    await expectSound(page)
    await page.unroute('**/admin/usage?by=tag&tag=project*')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('region', { name: 'Usage by the tag project' }).waitFor()
    expect(await page.getByText('No usage now.').count()).toBe(0)
    expect(problems).toEqual([])
  })

  it('is nowhere where the gateway has no tags', async () => {
    const { id } = await createKey({ name: 'untagged' })
    const { page, problems } = await openPage('/console')
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await useTags(page, [])
    await page.route('**/admin/keys/*/usage?*', (route) => extend(route, { tags: [] }))
    await signIn(page)
    await page.getByText('Keys that cost most').waitFor()
    await page.goto(`${page.url().split('#')[0] ?? ''}#/keys/${id}`)
    await page.getByRole('heading', { name: 'By model' }).waitFor()
    expect(await page.getByText('By tag').count()).toBe(0)
    expect(asked.filter((url) => url.includes('by=tag'))).toEqual([])
    expect(problems).toEqual([])
  })

  it.each([320, 1440])('is on a key’s page and on its holder’s, in %d px', async (width) => {
    const { id, secret } = await createKey({ name: 'with tags' })
    const rows = ['atlas / search', `– / ${HOSTILE}`, '(other) / –']
    const { page, problems } = await openPage(`/console#/keys/${id}`, { width })
    await page.route('**/admin/keys/*/usage?*', (route) => extend(route, { tags: TAGS }))
    await signIn(page)
    await expect.poll(() => firstCells(page, 'Usage by tag')).toEqual(rows)
    await page.getByText('project / team').waitFor()
    await expectSound(page)
    const holder = await openPage('/usage', { width, colorScheme: 'dark' })
    await holder.page.route('**/v1/usage', (route) => extend(route, { tags: TAGS }))
    await signIn(holder.page, secret)
    await expect.poll(() => firstCells(holder.page, 'Usage by tag')).toEqual(rows)
    await expectSound(holder.page)
    expect([...problems, ...holder.problems]).toEqual([])
  })
})

describe.skipIf(hasNoBrowser)('a gateway with USAGE_TAGS', { timeout: 90_000 }, () => {
  let gateway: OfflineGateway
  beforeAll(async () => {
    gateway = await startOfflineGateway({ extraArguments: ['--var', 'USAGE_TAGS:team, project'] })
  }, 90_000)
  afterAll(() => gateway.stop())
  const openPage = useBrowser(() => gateway.url)

  const post = (path: string, bearer: string, body: object) =>
    fetch(gateway.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  /** Sends a completion of so many prompt tokens, at 1.10 dollars a million. */
  const ask = async (secret: string, promptTokens: number, metadata: object): Promise<void> => {
    const usage = { prompt_tokens: promptTokens, completion_tokens: 0 }
    const simulate = { thinkMs: 0, firstByteDelayMs: 0, chunkDelayMs: 0, usage }
    const messages = [{ role: 'user', content: 'Hello!' }]
    const response = await post('/v1/chat/completions', secret, {
      model: 'o3-mini',
      messages,
      metadata,
      simulate,
    })
    expect(response.status).toBe(200)
  }

  it('shows what each value cost: on the overview, on the pages of a key and its group, and to the holder', async () => {
    const group = (await (await post('/admin/groups', ADMIN_TOKEN, { name: 'Team' })).json()) as {
      id: string
    }
    const created = await post('/admin/keys', ADMIN_TOKEN, { name: 'tagged', group: group.id })
    const { id, secret } = (await created.json()) as { id: string; secret: string }
    await ask(secret, 300_000, { team: 'search', project: 'atlas' })
    const rowOf = (page: Page, caption: string, name: string) =>
      page.getByRole('region', { name: caption, exact: true }).getByRole('row', { name })
    const { page, problems } = await openPage('/console', { width: 1440 })
    await signIn(page)
    const found = rowOf(page, 'Usage by the tag team', 'search')
    await expect
      .poll(
        async () => {
          await page.getByRole('button', { name: 'Refresh' }).click()
          return found
            .locator('.money')
            .textContent({ timeout: 2_000 })
            .catch(() => null)
        },
        { timeout: 40_000, interval: 500 },
      )
      .toBe('$0.330000')
    await rowOf(page, 'Usage by the tag project', 'atlas').waitFor()
    // Figures are fainter while they are asked for again.
    await expect.poll(() => page.locator('[aria-busy="true"]').count()).toBe(0)
    await expectSound(page)
    for (const hash of [`#/keys/${id}`, `#/groups/${group.id}`]) {
      await page.goto(`${gateway.url}/console${hash}`)
      await rowOf(page, 'Usage by tag', 'atlas / search').getByText('$0.33').waitFor()
      await expectSound(page)
    }
    const holder = await openPage('/usage', { width: 360 })
    await signIn(holder.page, secret)
    await rowOf(holder.page, 'Usage by tag', 'atlas / search').getByText('$0.33').waitFor()
    await expectSound(holder.page)
    expect([...problems, ...holder.problems]).toEqual([])
  })
})
