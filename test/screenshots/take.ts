/**
 * `npm run screenshots` starts the gateway as `npm run dev` does, fills its console with made-up usage, and writes the pictures
 * of the README to `.github/`. Keys, groups, health and the playground's answer are real.
 */
import { mkdirSync, statSync } from 'node:fs'
import type { Browser, Page, Route } from 'playwright-core'
import { buildConsole } from '../../src/console/build.ts'
import { periodStartDate } from '../../src/calendar.ts'
import { findBrowser, launchBrowser } from '../support/node/browser.ts'
import { startOfflineGateway } from '../support/node/offline-gateway.ts'
import { DEMO_GROUPS, DEMO_KEYS, type DemoRow, demoRows, shownSum } from './demo.ts'

const FOLDER = '.github'
/** A README should load fast. */
const BYTES_MAX = 150 * 1024
const ADMIN_TOKEN = 'local-admin-token-for-this-machine-only'

const nowMs = Date.now()
const rows = demoRows(nowMs)

await buildConsole()
const gateway = await startOfflineGateway()
const executablePath = findBrowser()
if (executablePath === null) throw new Error('Chromium is not on the PATH')
const browser = await launchBrowser(executablePath)
try {
  const groupIds = await makeGroups()
  const ids = new Map([...groupIds, ...(await makeKeys(groupIds))])
  mkdirSync(FOLDER, { recursive: true })
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await openConsole(browser, colorScheme)
    await addUsage(page, ids)
    await page.getByRole('heading', { name: 'Last 30 days' }).waitFor()
    await page.getByText('On gpt-6-luna').waitFor()
    await save(page, `console-overview-${colorScheme}.png`)
  }
  const page = await openConsole(browser, 'light')
  await addUsage(page, ids)
  await page.getByRole('link', { name: 'Keys', exact: true }).click()
  await page.getByRole('link', { name: 'support-bot' }).waitFor()
  await save(page, 'console-keys.png', 680)
  await page.getByRole('link', { name: 'Groups', exact: true }).click()
  await page.getByRole('link', { name: 'Customer support' }).click()
  await page.getByRole('link', { name: 'support-bot' }).waitFor()
  await save(page, 'console-group.png', 760)
  await page.getByRole('link', { name: 'Playground' }).click()
  await page.getByLabel('Prompt', { exact: true }).fill('Explain recursion with a simple example.')
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByText('Done', { exact: true }).waitFor()
  await save(page, 'console-playground.png', 680)
} finally {
  await browser.close()
  await gateway.stop()
}

/** Returns the ids by name. */
async function makeGroups(): Promise<Map<string, string>> {
  const ids = new Map<string, string>()
  for (const group of DEMO_GROUPS) {
    const { id } = (await (await send('/admin/groups', ADMIN_TOKEN, group)).json()) as { id: string }
    ids.set(group.name, id)
  }
  return ids
}

/** Creates the keys, and calls one of them once, so that the model's health is known. Returns the ids by name. */
async function makeKeys(groupIds: ReadonlyMap<string, string>): Promise<Map<string, string>> {
  const ids = new Map<string, string>()
  for (const { name, group, limits } of DEMO_KEYS) {
    const body = { name, limits, group: group === null ? null : groupIds.get(group) }
    const response = await send('/admin/keys', ADMIN_TOKEN, body)
    const { id, secret } = (await response.json()) as { id: string; secret: string }
    ids.set(name, id)
    const messages = [{ role: 'user', content: 'Hello!' }]
    if (ids.size === 1) await send('/v1/chat/completions', secret, { model: 'o3-mini', messages })
  }
  return ids
}

function send(path: string, bearer: string, body: object): Promise<Response> {
  const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }
  return fetch(gateway.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
}

async function openConsole(from: Browser, colorScheme: 'light' | 'dark'): Promise<Page> {
  const context = await from.newContext({ colorScheme, viewport: { width: 1200, height: 900 } })
  const page = await context.newPage()
  await page.goto(`${gateway.url}/console`)
  await page.locator('input').fill(ADMIN_TOKEN)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Today' }).waitFor()
  return page
}

/** Puts the made-up usage into the answers, and asks again. `ids` are of keys and groups, by name. */
async function addUsage(page: Page, ids: ReadonlyMap<string, string>): Promise<void> {
  await page.route('**/admin/usage?*', (route) => route.fulfill({ json: usageAnswer(route, ids) }))
  for (const list of ['**/admin/keys?*', '**/admin/groups?*']) {
    await page.route(list, async (route) => {
      const page = (await (await route.fetch()).json()) as { data: { name: string }[] }
      const data = page.data
        .filter(({ name }) => ids.has(name))
        .map((owner) => ({ ...owner, ...costsOf(owner.name) }))
      await route.fulfill({ json: { ...page, data } })
    })
  }
  await page.route('**/admin/groups/*/usage?*', async (route) => {
    const answer = (await (await route.fetch()).json()) as GroupAnswer
    await route.fulfill({ json: withUsage(answer, ids) })
  })
  await page.reload()
}

interface GroupAnswer {
  id: string
  limits: { budget?: { usd: number } }
  remaining: object
}

function withUsage(answer: GroupAnswer, ids: ReadonlyMap<string, string>): object {
  const [name = ''] = [...ids].find(([, id]) => id === answer.id) ?? []
  const ofGroup = rowsOf(name)
  const budgetUsd = (answer.limits.budget?.usd ?? 0) - costsOf(name).monthCostUsd
  return {
    ...answer,
    remaining: { ...answer.remaining, budgetUsd },
    total: shownSum(ofGroup),
    days: byDay(ofGroup),
    models: [{ model: 'o3-mini', ...shownSum(ofGroup) }],
  }
}

function usageAnswer(route: Route, ids: ReadonlyMap<string, string>): object {
  const query = new URL(route.request().url()).searchParams
  const priceAs = query.get('priceAs')
  const byOwner = (names: Iterable<string>) =>
    Array.from(names, (name) => ({ id: ids.get(name) ?? '', name, ...shownSum(rowsOf(name)) }))
  const data = {
    model: () => [{ model: 'o3-mini', ...shownSum(rows, priceAs) }],
    key: () => byOwner(DEMO_KEYS.map(({ name }) => name)),
    group: () => byOwner(DEMO_GROUPS.map(({ name }) => name)),
    day: () => byDay(rows),
  }[query.get('by') ?? 'day']?.()
  return { data, total: shownSum(rows, priceAs), usageTags: [], nextCursor: null }
}

function byDay(shown: readonly DemoRow[]) {
  return Array.from(
    Map.groupBy(shown, ({ date }) => date),
    ([date, ofDay]) => ({ date, ...shownSum(ofDay) }),
  )
}

/** The rows of a key or of a group. */
function rowsOf(owner: string): DemoRow[] {
  return rows.filter(({ name, group }) => name === owner || group === owner)
}

function costsOf(owner: string) {
  const ofOwner = rowsOf(owner)
  const since = (date: string): number => shownSum(ofOwner.filter((row) => row.date >= date)).costUsd
  return {
    todayCostUsd: since(periodStartDate('day', nowMs)),
    monthCostUsd: since(periodStartDate('month', nowMs)),
  }
}

/** Saves the top of the page. @throws Error for a picture that is too large. */
async function save(page: Page, name: string, height = 1200): Promise<void> {
  await page.setViewportSize({ width: 1200, height })
  await page.evaluate('document.activeElement?.blur(); scrollTo(0, 0)')
  await page.mouse.move(0, 0)
  const path = `${FOLDER}/${name}`
  await page.screenshot({ path })
  const { size } = statSync(path)
  if (size > BYTES_MAX) throw new Error(`${path} has ${size} bytes, above ${BYTES_MAX}`)
  process.stdout.write(`${path}: ${size} bytes\n`)
}
