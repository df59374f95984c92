/** With `USAGE_TAGS`, usage is told apart by what callers write into their requests' `metadata`. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { CORRECTION_PAUSES_MS } from '../../src/accounts/book-ends.ts'
import { NO_USAGE } from '../../src/accounts/ledger.ts'
import { TAGGED_SHOWN_MAX } from '../../src/accounts/tagged-usage.ts'
import { EXPORT_PAGE_ROWS } from '../../src/accounts/usage-export.ts'
import { STORED_COLUMNS, tagMigration } from '../../src/accounts/usage-list.ts'
import { startEachAt, withoutReadyKey } from '../support/clean-state.ts'
import { linesOf, recordLog } from '../support/console.ts'
import {
  ADMIN_TOKEN,
  AT_ONCE,
  complete,
  env,
  errorOf,
  HELLO,
  type IssuedKey,
  issueKey,
  send,
} from '../support/gateway.ts'
import { isolate, type Send } from '../support/isolate.ts'
import { type KeyUsageAnswer, type Totals, usageAfter, usageOf } from '../support/usage.ts'

const TODAY = '2027-01-05'
const BUDGET = { budget: { usd: 10, period: 'day' } }

withoutReadyKey()

let tagged: Send

startEachAt(`${TODAY}T12:00:00Z`)
beforeEach(() => {
  tagged = isolate(undefined, { USAGE_TAGS: 'team, project' })
})

type TaggedUsage = KeyUsageAnswer & { tags: (Totals & { tags: Record<string, string> })[] }

function ask(
  { secret }: IssuedKey,
  metadata: unknown,
  more: Record<string, unknown> = {},
  path = '/v1/chat/completions',
): Promise<Response> {
  return tagged('POST', path, secret, { ...HELLO, simulate: AT_ONCE, metadata, ...more })
}

/** The requests of each combination of tags, once so many requests are booked. */
async function countsAfter(key: IssuedKey, requests: number): Promise<Record<string, number>> {
  const { tags } = (await usageAfter(key, requests)) as TaggedUsage
  return Object.fromEntries(tags.map((row) => [JSON.stringify(row.tags), row.requests]))
}

async function page(query: string) {
  const response = await tagged('GET', `/admin/usage?${query}`, ADMIN_TOKEN)
  expect(response.status).toBe(200)
  return response.json<{
    usageTags: string[]
    tag?: string
    data: (Totals & { value: string | null })[]
    total: Totals
    nextCursor: string | null
  }>()
}

function report(
  keyId: string,
  ...rows: { tags?: string; requests: number; date?: string; model?: string }[]
) {
  const all = rows.map((row) => ({ ...NO_USAGE, date: TODAY, model: 'o3-mini', ...row }))
  return env.DIRECTORY.getByName('directory-1').reportUsage({ keyId, revision: 1, rows: all })
}

describe('a request’s usage', () => {
  it.each([
    ['without limits', {}],
    ['with a budget', { limits: BUDGET }],
  ])('is told apart by its tags, for a key %s', async (_name, body) => {
    const key = await issueKey(body)
    await ask(key, { team: 'search', project: 'x', other: 'y' })
    await ask(key, { project: 'x', team: 'search' }, { stream: true })
    await ask(key, { team: 'ads' })
    await ask(key, { other: 'y' })
    await ask(key, undefined)
    const response = { model: 'o3-mini', input: 'Hello!', messages: undefined }
    await ask(key, { team: 'ads' }, response, '/v1/responses')
    expect(await countsAfter(key, 6)).toEqual({ '{"project":"x","team":"search"}': 2, '{"team":"ads"}': 2 })
    const { total, models, days } = await usageOf(key)
    expect([total.requests, models.length, days.at(-1)?.models.length]).toEqual([6, 1, 1])
    const own = await tagged('GET', '/v1/usage', key.secret)
    expect((await own.json<TaggedUsage>()).tags).toMatchObject([{ requests: 2 }, { requests: 2 }])
  })

  it('is the same without USAGE_TAGS, whatever the metadata', async () => {
    const key = await issueKey()
    await complete(key.secret, { metadata: { team: 'search' } })
    expect(await countsAfter(key, 1)).toEqual({})
    const answer = await send('GET', '/admin/usage', ADMIN_TOKEN)
    expect(await answer.json()).toMatchObject({ usageTags: [] })
  })

  it('keeps its tags where the log corrects it', async () => {
    const key = await issueKey({ limits: BUDGET })
    const lost = {
      simulate: { ...AT_ONCE, chunks: 2, usage: null, log: { entry: { tokens_in: 7, tokens_out: 9 } } },
    }
    await ask(key, { team: 'search' }, { stream: true, ...lost })
    const [first] = ((await usageAfter(key, 1)) as TaggedUsage).tags
    expect(first).toMatchObject({ tags: { team: 'search' }, pending: 1 })
    vi.setSystemTime(Date.now() + CORRECTION_PAUSES_MS[0])
    await runDurableObjectAlarm(env.ACCOUNTS.getByName(key.id))
    const { tags } = (await usageOf(key)) as TaggedUsage
    expect(tags).toMatchObject([{ pending: 0, estimated: 0, promptTokens: 7, completionTokens: 9 }])
  })

  it('has the same tags in the usage of its key’s group', async () => {
    const made = await send('POST', '/admin/groups', ADMIN_TOKEN, { name: 'search', limits: BUDGET })
    const group = await made.json<{ id: string }>()
    const key = await issueKey({ group: group.id })
    await ask(key, { team: 'search' })
    expect(await countsAfter(key, 1)).toEqual({ '{"team":"search"}': 1 })
    await vi.waitFor(async () => {
      const usage = await tagged('GET', `/admin/groups/${group.id}/usage`, ADMIN_TOKEN)
      expect((await usage.json<TaggedUsage>()).tags).toMatchObject([
        { tags: { team: 'search' }, requests: 1 },
      ])
    })
  })

  it('never puts a tag into the log', async () => {
    const log = recordLog()
    const key = await issueKey({ limits: { requestsPerDay: 4 } })
    const canary = 'canary-of-a-tag'
    const error = { shape: 'openai', status: 500, message: canary }
    const failing = { simulate: { ...AT_ONCE, error } }
    const bodies = [{}, { stream: true }, failing, { n: 0 }, { temperature: 9 }, {}, {}, {}]
    await Promise.all(bodies.map((more) => ask(key, { team: canary }, more)))
    // The key's creation has a line too.
    expect(linesOf(log, 'request')).toHaveLength(bodies.length + 1)
    expect(Object.keys(await countsAfter(key, 4))).toEqual([JSON.stringify({ team: canary })])
    expect(log.join('\n')).not.toContain(canary)
  })

  it('shows the dearest combinations of tags, and sums up the others', async () => {
    const key = await issueKey()
    const account = env.ACCOUNTS.getByName(key.id)
    const combinations = TAGGED_SHOWN_MAX + 5
    const end = { status: 200, reason: null, firstOutputMs: null, durationMs: 0, logId: null }
    for (const [at, date] of [TODAY, '2027-01-04'].entries()) {
      const entries = Array.from({ length: combinations }, (_, number) => ({
        requestId: `${date}.${number}`,
        model: 'o3-mini',
        // A day has fewer combinations than the two together.
        tags: `{"team":"t${number % 60}.${at}"}`,
        admittedAtMs: Date.parse(`${date}T11:00:00Z`),
        admittedBy: 'isolate' as const,
        failed: false,
        booked: {
          promptTokens: 1,
          cachedTokens: 0,
          completionTokens: 1,
          reasoningTokens: 0,
          costMicroUsd: number,
        },
        certainty: 'exact' as const,
        end,
      }))
      await account.settle(key.id, { writerId: 'w', number: at + 1, entries })
    }
    const { tags, total } = (await usageOf(key)) as TaggedUsage
    expect(tags.length).toBe(TAGGED_SHOWN_MAX + 1)
    expect(tags.at(-1)?.tags).toEqual({ team: '(other)' })
    const costs = tags.slice(0, TAGGED_SHOWN_MAX).map(({ costUsd }) => costUsd)
    expect(costs).toEqual(costs.toSorted((a, b) => b - a))
    expect(tags.reduce((sum, { requests }) => sum + requests, 0)).toBe(total.requests)
  })
})

describe('usage by tag', () => {
  it('has a row for each value, and one for requests without it, page by page', async () => {
    const key = await issueKey()
    for (const team of ['search', 'ads', 'search', undefined]) await ask(key, { team, project: 'x' })
    await countsAfter(key, 4)
    await runDurableObjectAlarm(env.ACCOUNTS.getByName(key.id))
    const whole = await page('by=tag&tag=team')
    expect(whole).toMatchObject({ usageTags: ['team', 'project'], tag: 'team', nextCursor: null })
    const counts = [
      [null, 1],
      ['ads', 1],
      ['search', 2],
    ]
    expect(whole.data.map(({ value, requests }) => [value, requests])).toEqual(counts)
    const paged: unknown[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const next = await page(`by=tag&tag=team&limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`)
      expect(next.total.requests).toBe(4)
      paged.push(...next.data.map(({ value, requests }) => [value, requests]))
      cursor = next.nextCursor
    }
    expect(paged).toEqual(counts)
    expect((await page('by=tag&tag=project')).data).toMatchObject([{ value: 'x', requests: 4 }])
  })

  it('counts the usage of days before the tags, and refusals, without a value', async () => {
    await report('abcdefghijkl', { requests: 3 }, { requests: 2, tags: '{"team":"ads"}' })
    await report('bcdefghijklm', { requests: 0, model: '' }, { requests: 4, tags: '{"project":"x"}' })
    const { data } = await page('by=tag&tag=team')
    expect(data.map(({ value, requests }) => [value, requests])).toEqual([
      [null, 7],
      ['ads', 2],
    ])
    expect((await page('by=model')).data).toMatchObject([{ model: 'o3-mini', requests: 9 }])
    expect((await page('by=key')).data).toMatchObject([{ requests: 5 }, { requests: 4 }])
  })

  it('takes any value that a request can have', async () => {
    const values = ["'; DROP TABLE usage; --", '{"team":"x"}', '"', '\\', '%_', '$.team', '表😀', 'null', '0']
    const rows = values.map((team) => ({ requests: 1, tags: JSON.stringify({ team }) }))
    await report('abcdefghijkl', ...rows)
    const { data } = await page('by=tag&tag=team')
    expect(new Set(data.map(({ value }) => value))).toEqual(new Set(values))
  })

  it.each([
    ['by=tag', 'tag'],
    ['by=tag&tag=other', 'tag'],
    ['by=day&tag=team', 'tag'],
    ['tag=team', 'tag'],
    ['by=tag&tag=team&cursor=x', 'cursor'],
    ['format=csv&tag=team', 'tag'],
  ])('with %s is a 400 that names the parameter', async (query, param) => {
    const response = await tagged('GET', `/admin/usage?${query}`, ADMIN_TOKEN)
    expect([response.status, (await errorOf(response)).param]).toEqual([400, param])
  })

  it('without USAGE_TAGS is a 400 that says so', async () => {
    const response = await send('GET', '/admin/usage?by=tag&tag=team', ADMIN_TOKEN)
    expect(response.status).toBe(400)
    expect((await errorOf(response)).message).toContain('USAGE_TAGS')
  })
})

describe('the download', () => {
  it('has a column for each tag, without formulas, and a row for each combination', async () => {
    const teams = ['ads', '=1+1', 'a,"b"']
    const rows = teams.map((team) => ({ requests: 1, tags: JSON.stringify({ team }) }))
    await report('abcdefghijkl', { requests: 2 }, ...rows)
    const response = await tagged('GET', '/admin/usage?format=csv', ADMIN_TOKEN)
    const [head, ...lines] = (await response.text()).trim().split('\r\n')
    expect(head).toMatch(/^date,key_id,key_name,model,tag_team,tag_project,requests,/)
    const shown = lines.map((line) =>
      line.replace(`${TODAY},abcdefghijkl,,o3-mini,`, '').replace(/,0,0,.*/, ''),
    )
    expect(new Set(shown)).toEqual(new Set([',,2', 'ads,,1', "'=1+1,,1", '"a,""b""",,1']))
  })
})

describe('a long download', () => {
  it('has all rows, once and in order, where the tags of one key are many pages', async () => {
    const teams = Array.from({ length: EXPORT_PAGE_ROWS + 9 }, (_, at) => `t${`${at}`.padStart(5, '0')}`)
    await report('abcdefghijkl', ...teams.map((team) => ({ requests: 1, tags: JSON.stringify({ team }) })))
    const response = await tagged('GET', '/admin/usage?format=csv', ADMIN_TOKEN)
    const [, ...lines] = (await response.text()).trim().split('\r\n')
    expect(lines.map((line) => line.split(',')[4])).toEqual(teams)
  })
})

describe('the directory', () => {
  it('counts a request once in metrics, whatever its tags, and whatever comes twice or late', async () => {
    const rows = [
      { requests: 2 },
      { requests: 3, tags: '{"team":"a"}' },
      { requests: 4, tags: '{"team":"b"}' },
    ]
    for (let at = 0; at < 2; at++) await report('abcdefghijkl', ...rows)
    const metrics = await tagged('GET', '/admin/metrics', ADMIN_TOKEN)
    expect(await metrics.text()).toContain('gateway_requests_total{model="o3-mini"} 9\n')
    expect((await page('')).total.requests).toBe(9)
  })

  it('of an earlier version keeps all its rows, without tags', async () => {
    await report('abcdefghijkl', { requests: 2 }, { requests: 5, model: 'fast', date: '2027-01-04' })
    await report('bcdefghijklm', { requests: 3 })
    const before = [await page('by=key'), await page('by=model'), await page('')]
    await runInDurableObject(env.DIRECTORY.getByName('directory-1'), (_instance, { storage }) => {
      const columns = STORED_COLUMNS.filter((column) => column !== 'tags').join(', ')
      storage.sql.exec(`CREATE TABLE untagged (${columns}, PRIMARY KEY (date, key_id, model)) WITHOUT ROWID;
        INSERT INTO untagged SELECT ${columns} FROM usage; DROP TABLE usage;
        ALTER TABLE untagged RENAME TO usage; ${tagMigration()}`)
    })
    expect([await page('by=key'), await page('by=model'), await page('')]).toEqual(before)
    await report('abcdefghijkl', { requests: 9 }, { requests: 1, tags: '{"team":"a"}' })
    const { data } = await page('by=tag&tag=team')
    // The revision is the same as before, so the untagged row is not written again.
    expect(data).toMatchObject([
      { value: null, requests: 10 },
      { value: 'a', requests: 1 },
    ])
  })
})

describe('USAGE_TAGS', () => {
  it.each([
    'a,b,c,d',
    'key_id',
    'team,request_id',
    '_proto',
    '__proto__',
    'a"b',
    '1',
    'é',
    `a${'b'.repeat(64)}`,
  ])('%s is a bad var', async (names) => {
    const response = await isolate(undefined, { USAGE_TAGS: names })('GET', '/v1/models', '')
    expect([response.status, (await errorOf(response)).code]).toEqual([500, 'misconfigured'])
  })

  it.each(['', ' team ', 'team,,project  x', 'key_id_2, constructor', 'team-a.b', `a${'b'.repeat(63)}`])(
    '"%s" is taken',
    async (names) => {
      const response = await isolate(undefined, { USAGE_TAGS: names })('GET', '/v1/models', '')
      expect(response.status).toBe(401)
    },
  )
})
