/** The rows that the directory reads for a question and for a report. With twice the keys it must not read more of them. */
import { reset, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import type { Directory } from '../../src/accounts/directory.ts'
import { NO_USAGE } from '../../src/accounts/ledger.ts'
import { selectKeyStates } from '../../src/accounts/metric-list.ts'
import { DAY_MS, dateOf } from '../../src/calendar.ts'
import { ADMIN_TOKEN, env, issueKey, send } from '../support/gateway.ts'

const NOW_MS = Date.parse('2027-01-05T12:00:00Z')
const [today, yesterday, firstDay] = [0, 1, 3].map((days) => dateOf(NOW_MS - days * DAY_MS))
/** Both are above the number of keys with metrics of their own. */
const [FEW, MANY] = [600, 1_200]
/** Keys of each rare state, which are created last. */
const RARE = 3

beforeAll(async () => {
  await issueKey()
  await reset()
})

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_MS, toFake: ['Date'] })
})

afterEach(async () => {
  vi.useRealTimers()
  await reset()
})

function inDirectory<Answer>(
  work: (instance: Directory, storage: DurableObjectStorage) => Answer | Promise<Answer>,
): Promise<Answer> {
  return runInDurableObject(env.DIRECTORY.getByName('directory-1'), (instance, { storage }) =>
    work(instance as unknown as Directory, storage),
  )
}

/** Ids are in no order of creation. */
function idOf(number: number): string {
  return `${(number * 7_919) % 10_007}`.padStart(12, '0')
}

/** Reports keys with usage of each day. */
async function fill(keys: number): Promise<void> {
  await inDirectory(async (instance) => {
    for (let number = 0; number < keys; number += 1) {
      const id = idOf(number)
      const rare = keys - number
      const view = {
        id,
        name: `key ${number}`,
        createdAt: new Date(NOW_MS - 10 * DAY_MS + number).toISOString(),
        expiresAt: rare <= RARE ? dateTime(NOW_MS - DAY_MS) : null,
        disabled: rare > RARE && rare <= 2 * RARE,
        limits: {},
      }
      const deletedAt = rare > 2 * RARE && rare <= 3 * RARE ? dateTime(NOW_MS) : null
      await instance.report({ view, version: 1, deletedAt })
      const dates = [0, 1, 2, 3].map((days) => dateOf(NOW_MS - days * DAY_MS))
      const rows = dates.map((date) => ({
        ...NO_USAGE,
        requests: 1,
        costMicroUsd: number,
        date,
        model: 'o3-mini',
      }))
      await instance.reportUsage({ keyId: id, revision: 1, rows })
    }
  })
}

function dateTime(ms: number): string {
  return new Date(ms).toISOString()
}

/** The rows that the directory reads while `work` runs. */
async function rowsReadBy(work: () => Promise<unknown>): Promise<number> {
  const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = []
  await inDirectory((_, { sql }) => {
    const exec = sql.exec.bind(sql)
    sql.exec = ((statement: string, ...bindings: SqlStorageValue[]) => {
      const cursor = exec(statement, ...bindings)
      cursors.push(cursor)
      return cursor
    }) as typeof sql.exec
  })
  await work()
  return inDirectory((_, { sql }) => {
    Reflect.deleteProperty(sql, 'exec')
    return cursors.reduce((sum, { rowsRead }) => sum + rowsRead, 0)
  })
}

async function ask(path: string): Promise<void> {
  const response = await send('GET', path, ADMIN_TOKEN)
  expect(response.status).toBe(200)
  await response.arrayBuffer()
}

function reportOf(keyId: string, revision: number) {
  const rows = [{ ...NO_USAGE, requests: 2, date: today ?? '', model: 'o3-mini' }]
  return inDirectory((instance) => instance.reportUsage({ keyId, revision, rows }))
}

function countStates(): Promise<unknown> {
  const { sql, parameters } = selectKeyStates(NOW_MS)
  return inDirectory((_, { sql: storage }) => storage.exec(sql, ...parameters).one())
}

const PAST = `from=${firstDay}&to=${yesterday}`

const QUESTIONS: readonly (readonly [what: string, work: () => Promise<unknown>])[] = [
  ['keys by creation', () => ask('/admin/keys?limit=10')],
  ['keys by name', () => ask('/admin/keys?limit=10&sort=name')],
  ['keys by the beginning of a name', () => ask('/admin/keys?limit=10&name=key%2020')],
  ['active keys', () => ask('/admin/keys?limit=10&state=active')],
  ['disabled keys', () => ask('/admin/keys?limit=10&state=disabled')],
  ['expired keys', () => ask('/admin/keys?limit=10&state=expired')],
  ['deleted keys', () => ask('/admin/keys?limit=10&state=deleted')],
  ['disabled keys by name', () => ask('/admin/keys?limit=10&state=disabled&sort=name')],
  ['the number of keys in each state', countStates],
  ['usage of past days', () => ask(`/admin/usage?${PAST}`)],
  ['usage of past days by model', () => ask(`/admin/usage?by=model&${PAST}`)],
  ['usage of past days by key', () => ask(`/admin/usage?by=key&limit=10&${PAST}`)],
  ['a report of a key that is known', () => reportOf(idOf(1), 2)],
  ['the first report of a key', () => reportOf('new', 1)],
]

async function rowsOfQuestions(keys: number): Promise<Record<string, number>> {
  await fill(keys)
  // The first question of a day adds up the days before it.
  await ask(`/admin/usage?${PAST}`)
  const rows: Record<string, number> = {}
  for (const [what, work] of QUESTIONS) rows[what] = await rowsReadBy(work)
  await reset()
  return rows
}

it('with twice the keys the directory reads no more rows for a question or a report', async () => {
  const few = await rowsOfQuestions(FEW)
  expect(await rowsOfQuestions(MANY)).toEqual(few)
})
