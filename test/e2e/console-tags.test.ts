/** Usage by tag on the console and on the holder's page in Chromium. The answers are real, with tags put into them. */
import type { Page, Route } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import {
  createKey,
  expectSound,
  hasNoBrowser,
  signIn,
  useBrowser,
  useKey,
} from '../support/node/console-page.ts'

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

/** The gateway as it is with the var `USAGE_TAGS`. */
async function useTags(page: Page, usageTags: readonly string[]): Promise<void> {
  await page.route('**/admin/usage?by=day*', (route) => extend(route, { usageTags }))
  await page.route('**/admin/usage?by=tag*', (route) =>
    route.fulfill({ json: { data: BY_TAG, total: SUMS, usageTags, nextCursor: null } }),
  )
}

/** The first cells of a table's rows. */
function firstCells(page: Page, caption: string): Promise<string[]> {
  return page.getByRole('region', { name: caption, exact: true }).locator('tbody th').allTextContents()
}

describe.skipIf(hasNoBrowser)('usage by tag', { timeout: 60_000 }, () => {
  const openPage = useBrowser()

  it('is on the overview for each tag, the dearest first, and a tag that fails leaves the rest', async () => {
    const { secret } = await createKey({ name: 'tagged' })
    await useKey(secret)
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
    const { id, secret } = await createKey({ name: 'untagged' })
    await useKey(secret)
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
