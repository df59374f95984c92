/** Part 3: the operator's questions to directories of ever more keys with 31 days of usage. Rows are counted, times are of one run. */
import { dateOf, DAY_MS } from '../../src/calendar.ts'
import { ADMIN_TOKEN } from '../support/node/real-binding-gateway.ts'
import { type Fleet, sumOfObjects } from './scale-fleet.ts'

export const DAYS = 31
/** Keys that one request reports. */
const KEYS_AT_ONCE = 1_000
/** Rows of an export are written to nowhere, and the heap is read while it runs. */
const HEAP_READS = 3

export interface QuestionRow {
  question: string
  ms: number
  /** Calls of the directory. */
  calls: number
  rowsRead: number
  rowsWritten: number
  status: number
}

export interface DirectoryRows {
  keys: number
  questions: QuestionRow[]
  /** Of the isolate that exports, MiB: before, and the most of some readings meanwhile. */
  exportHeapMiB: { before: number; most: number; bytes: number }
}

export async function measureDirectory(fleet: Fleet, keys: number): Promise<DirectoryRows> {
  for (let first = 0; first < keys; first += KEYS_AT_ONCE)
    await fleet.fillDirectory({
      first,
      count: Math.min(KEYS_AT_ONCE, keys - first),
      revision: 1,
      copiedDays: 0,
    })
  await fleet.fillDirectory({ first: 0, count: 0, revision: 1, copiedDays: DAYS - 1 })
  // An operator who asks each day adds up a day at a time.
  for (let day = DAYS - 1; day >= 2; day -= 1) {
    const date = dateOf(Date.now() - day * DAY_MS)
    await (await ask(fleet, `/admin/usage?from=${date}&to=${date}`)).arrayBuffer()
  }
  await fleet.take()
  const questions: QuestionRow[] = []
  for (const [question, path] of Object.entries(questionsOf(Date.now())))
    questions.push({ question, ...(await measure(fleet, path)) })
  // The report that comes first starts the object again.
  await fleet.fillDirectory({ first: 1, count: 1, revision: 2, copiedDays: 0 })
  await fleet.take()
  for (const [question, first] of [
    ['a report of usage', 0],
    ['the first report of a key', keys],
  ] as const) {
    await fleet.fillDirectory({ first, count: 1, revision: 2, copiedDays: 0 })
    questions.push({
      question,
      ms: NaN,
      status: 200,
      ...callsOf(await fleet.take(), 'Directory.reportUsage'),
    })
  }
  return { keys, questions, exportHeapMiB: await measureExport(fleet) }
}

function questionsOf(nowMs: number): Record<string, string> {
  const [today, first] = [dateOf(nowMs), dateOf(nowMs - (DAYS - 1) * DAY_MS)]
  const month = `from=${first}&to=${today}`
  const day = `from=${today}&to=${today}`
  return {
    'keys by creation': '/admin/keys',
    'keys by name': '/admin/keys?sort=name',
    'keys by cost of the day': '/admin/keys?sort=cost',
    'keys named `person 77…`, by name': '/admin/keys?name=person%2077&sort=name',
    'keys named `person…`, by name': '/admin/keys?name=person&sort=name',
    'keys named `person…`, by creation': '/admin/keys?name=person',
    'active keys': '/admin/keys?state=active',
    'disabled keys': '/admin/keys?state=disabled',
    'expired keys': '/admin/keys?state=expired',
    'deleted keys': '/admin/keys?state=deleted',
    'usage of today': `/admin/usage?${day}`,
    'usage of today by key': `/admin/usage?by=key&${day}`,
    'usage of today by model': `/admin/usage?by=model&${day}`,
    [`usage of ${DAYS} days, first question of the day`]: `/admin/usage?${month}`,
    [`usage of ${DAYS} days`]: `/admin/usage?${month}`,
    [`usage of ${DAYS} days by key`]: `/admin/usage?by=key&${month}`,
    [`usage of ${DAYS} days by model`]: `/admin/usage?by=model&${month}`,
    'metrics by model': '/admin/metrics',
    'metrics by key': '/admin/metrics?by=key',
  }
}

async function measure(fleet: Fleet, path: string): Promise<Omit<QuestionRow, 'question'>> {
  await fleet.take()
  const startedMs = performance.now()
  const response = await ask(fleet, path)
  await response.arrayBuffer()
  const ms = performance.now() - startedMs
  return { ms, status: response.status, ...callsOf(await fleet.take(), 'Directory') }
}

function callsOf(counted: Awaited<ReturnType<Fleet['take']>>, prefix: string) {
  const { calls, rowsRead, rowsWritten } = sumOfObjects(counted, prefix)
  return { calls, rowsRead, rowsWritten }
}

/** Today's usage of all keys. A directory of 10,000 keys exports as many rows in ten days. */
async function measureExport(fleet: Fleet): Promise<DirectoryRows['exportHeapMiB']> {
  const today = dateOf(Date.now())
  const before = await fleet.heapMiB()
  const response = await ask(fleet, `/admin/usage?format=csv&from=${today}&to=${today}`)
  let [most, bytes, reads] = [before, 0, 0]
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (reads++ < HEAP_READS) most = Math.max(most, await fleet.heapMiB())
  }
  return { before, most, bytes }
}

/** The isolate without objects answers, so that its heap is its own. */
async function ask({ ports: [port] }: Fleet, path: string): Promise<Response> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
  const send = () => fetch(`http://127.0.0.1:${port}${path}`, { headers })
  // The runtime closes an idle connection, which can reset a request that is on its way.
  return send().catch(send)
}
