/** What a monitoring system reads. Most of these tests give an account's report to the directory themselves. */
import { reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { NO_MODEL, NO_USAGE } from '../../src/accounts/ledger.ts'
import {
  METRIC_KEYS_MAX,
  metricMigration,
  OTHER_KEYS,
  SHOWN_MIGRATION,
} from '../../src/accounts/metric-list.ts'
import type { UsageRow } from '../../src/accounts/usage-protocol.ts'
import { addTimes, noTimes } from '../../src/accounts/request-times.ts'
import { DAY_MS } from '../../src/calendar.ts'
import { startEachAt, withoutReadyKey } from '../support/clean-state.ts'
import { linesOf, recordLog } from '../support/console.ts'
import { ADMIN_TOKEN, AT_ONCE, complete, env, errorOf, issueKey, send } from '../support/gateway.ts'
import { type ParsedFamily, parseOpenMetrics, valuesOf } from '../support/open-metrics.ts'
import { usageAfter } from '../support/usage.ts'

const TODAY = '2027-01-05'
const KEY = 'abcdefghijkl'

withoutReadyKey()

startEachAt(`${TODAY}T12:00:00Z`)

function directory() {
  return env.DIRECTORY.getByName('directory-1')
}

function report(keyId: string, revision: number, ...rows: Partial<UsageRow>[]): Promise<void> {
  const all = rows.map((row) => ({ ...NO_USAGE, date: TODAY, model: 'o3-mini', ...row }))
  return directory().reportUsage({ keyId, revision, rows: all })
}

async function metrics(query = ''): Promise<Map<string, ParsedFamily>> {
  const response = await send('GET', `/admin/metrics${query}`, ADMIN_TOKEN)
  expect([
    response.status,
    response.headers.get('content-type'),
    response.headers.get('cache-control'),
  ]).toEqual([200, 'application/openmetrics-text; version=1.0.0; charset=utf-8', 'no-store'])
  // The runtime warns of `text()` where the type is no text's.
  return parseOpenMetrics(new TextDecoder().decode(await response.arrayBuffer()))
}

async function requestsTotal(query = ''): Promise<Record<string, number>> {
  const name = query === '?by=key' ? 'gateway_key_requests_total' : 'gateway_requests_total'
  return valuesOf(await metrics(query), name)
}

describe('metrics', () => {
  it('of a request through the front door are its tokens, its cost and its times', async () => {
    const key = await issueKey({ name: 'alice', limits: { requestsPerDay: 1, tokensPerMinute: 1_000_000 } })
    const usage = {
      prompt_tokens: 1_000,
      completion_tokens: 500,
      total_tokens: 1_500,
      prompt_tokens_details: { cached_tokens: 400 },
      completion_tokens_details: { reasoning_tokens: 300 },
    }
    const streamed = await complete(key.secret, { stream: true, simulate: { ...AT_ONCE, usage } })
    await streamed.text()
    await usageAfter(key, 1)
    expect((await complete(key.secret)).status).toBe(429)
    await runDurableObjectAlarm(env.ACCOUNTS.getByName(key.id))
    const byModel = await metrics()
    expect(valuesOf(byModel, 'gateway_requests_total')).toEqual({ 'o3-mini': 1 })
    expect(valuesOf(byModel, 'gateway_failures_total')).toEqual({ 'o3-mini': 0 })
    expect(valuesOf(byModel, 'gateway_tokens_total')).toEqual({
      'o3-mini prompt': 600,
      'o3-mini cached_prompt': 400,
      'o3-mini completion': 200,
      'o3-mini reasoning': 300,
    })
    expect(valuesOf(byModel, 'gateway_cost_usd_total')).toEqual({ 'o3-mini': 0.00308 })
    expect(valuesOf(byModel, 'gateway_first_output_seconds_count')).toEqual({ 'o3-mini': 1 })
    expect(valuesOf(byModel, 'gateway_request_duration_seconds_count')).toEqual({ 'o3-mini': 1 })
    expect(valuesOf(byModel, 'gateway_keys')).toEqual({ active: 1, disabled: 0, expired: 0, deleted: 0 })
    const byKey = await metrics('?by=key')
    expect(valuesOf(byKey, 'gateway_key_cost_usd_total')).toEqual({ [key.id]: 0.00308 })
    expect(valuesOf(byKey, 'gateway_key_info')).toEqual({ [`${key.id} alice`]: 1 })
    expect(valuesOf(byKey, 'gateway_key_request_duration_seconds_count')).toEqual({ [key.id]: 1 })
  })

  it('add up all days, models and keys', async () => {
    const counts = {
      requests: 2,
      failures: 1,
      pending: 1,
      estimated: 1,
      costMicroUsd: 7,
      estimatedMicroUsd: 5,
    }
    await report(KEY, 1, counts, { ...counts, date: '2026-06-01' }, { ...counts, model: 'fast' })
    await report(
      'bcdefghijklm',
      1,
      counts,
      { model: NO_MODEL, refused: 4 },
      { model: NO_MODEL, refused: 1, date: '2027-01-01' },
    )
    const byModel = await metrics('?by=model')
    const byKey = await metrics('?by=key')
    for (const [name, one] of [
      ['requests_total', 2],
      ['failures_total', 1],
      ['cost_usd_total', 0.000007],
      ['estimated_requests_total', 1],
      ['pending_requests', 1],
      ['estimated_cost_usd', 0.000005],
    ] as const) {
      const times = (count: number) => expect.closeTo(count * one, 9) as number
      expect(valuesOf(byModel, `gateway_${name}`)).toEqual({ 'o3-mini': times(3), fast: times(1) })
      expect(valuesOf(byKey, `gateway_key_${name}`)).toEqual({ [KEY]: times(3), bcdefghijklm: times(1) })
    }
    expect([...(byModel.get('gateway_refusals')?.samples ?? [])]).toEqual([
      { name: 'gateway_refusals_total', labels: {}, value: 5 },
    ])
    expect(valuesOf(byKey, 'gateway_key_refusals_total')).toEqual({ [KEY]: 0, bcdefghijklm: 5 })
  })

  it('count keys by state', async () => {
    const [, disabled, deleted] = [await issueKey(), await issueKey(), await issueKey()]
    await issueKey({ expiresAt: `${TODAY}T12:01:00Z` })
    vi.setSystemTime(Date.parse(`${TODAY}T12:02:00Z`))
    await send('PATCH', `/admin/keys/${disabled.id}`, ADMIN_TOKEN, { disabled: true })
    await send('DELETE', `/admin/keys/${deleted.id}`, ADMIN_TOKEN)
    expect(valuesOf(await metrics(), 'gateway_keys')).toEqual({
      active: 1,
      disabled: 1,
      expired: 1,
      deleted: 1,
    })
  })

  it('are a valid text before the first request', async () => {
    expect(valuesOf(await metrics(), 'gateway_refusals_total')).toEqual({ '': 0 })
    expect([...(await metrics('?by=key')).values()].flatMap(({ samples }) => samples)).toEqual([])
  })

  it('show any name of a key as it is', async () => {
    const name = 'a\\"}\n# EOF\r\t\u0000\u2028{x="1"} 🔑 ünï\\n'
    const key = await issueKey({ name })
    await report(key.id, 1, { requests: 1 })
    const [info] = (await metrics('?by=key')).get('gateway_key')?.samples ?? []
    expect(info?.labels).toEqual({ key: key.id, name })
  })

  it('show half a character of a name as the character for a damaged one', async () => {
    const key = await issueKey({ name: 'a\ud800b' })
    await report(key.id, 1, { requests: 1 })
    const [info] = (await metrics('?by=key')).get('gateway_key')?.samples ?? []
    expect(info?.labels['name']?.replace(/\ufffd+/, '?')).toBe('a?b')
  })

  it('name an invalid grouping, and say when the directory fails', async () => {
    const invalid = await send('GET', '/admin/metrics?by=day', ADMIN_TOKEN)
    expect([invalid.status, (await errorOf(invalid)).param]).toEqual([400, 'by'])
    const log = recordLog()
    vi.spyOn(env.DIRECTORY, 'getByName').mockImplementation(() => {
      throw new Error('internal error')
    })
    const failed = await send('GET', '/admin/metrics', ADMIN_TOKEN)
    expect([failed.status, failed.headers.get('retry-after')]).toEqual([503, '1'])
    expect((await errorOf(failed)).code).toBe('usage_unavailable')
    expect(linesOf(log, 'trouble')).toMatchObject([{ what: 'directory_metrics' }])
  })
})

describe('a counter', () => {
  it('stays while a correction lowers its sum, and then goes on from there', async () => {
    for (const [revision, requests, shown] of [
      [1, 10, 10],
      [2, 7, 10],
      [3, 9, 10],
      [4, 12, 12],
    ] as const) {
      await report(KEY, revision, { requests })
      expect(await requestsTotal()).toEqual({ 'o3-mini': shown })
    }
  })

  it('of times stays where an account of an earlier version has forgotten those of its day', async () => {
    const times = noTimes()
    for (const durationMs of [1, 2, 700]) addTimes(times, { firstOutputMs: null, durationMs })
    const one = noTimes()
    addTimes(one, { firstOutputMs: null, durationMs: 3 })
    for (const [revision, counted, shown] of [
      [1, times, 3],
      [2, undefined, 3],
      [3, one, 4],
    ] as const) {
      await report(KEY, revision, { requests: 3, times: counted })
      const counts = valuesOf(await metrics(), 'gateway_request_duration_seconds_count')
      expect(counts).toEqual({ 'o3-mini': shown })
    }
  })

  it('counts a report once that comes twice or late', async () => {
    await report(KEY, 2, { requests: 10 })
    await report(KEY, 2, { requests: 10 })
    await report(KEY, 1, { requests: 4 })
    expect(await requestsTotal()).toEqual({ 'o3-mini': 10 })
  })

  it('stays when the directory deletes old days', async () => {
    await report(KEY, 1, { requests: 10, date: '2026-01-01' })
    vi.setSystemTime(Date.parse(TODAY) + 100 * DAY_MS)
    await report(KEY, 2, { requests: 1, date: '2027-04-01' }, { requests: 9, date: '2026-01-01' })
    const response = await send('GET', '/admin/usage?from=2026-03-01&to=2027-04-01&by=key', ADMIN_TOKEN)
    expect((await response.json<{ total: { requests: number } }>()).total.requests).toBe(1)
    expect(await requestsTotal()).toEqual({ 'o3-mini': 11 })
  })

  it('never falls, and shows the sum in the end, whatever the order of reports', async () => {
    const keys = ['abcdefghijkl', 'bcdefghijklm']
    const made = fc.array(
      fc.record({
        keyId: fc.constantFrom(...keys),
        revision: fc.integer({ min: 1, max: 20 }),
        date: fc.constantFrom(TODAY, '2027-01-04'),
        requests: fc.nat(50),
        cachedTokens: fc.nat(20),
        durationMs: fc.nat(700_000),
      }),
      { minLength: 1, maxLength: 25 },
    )
    await fc.assert(
      fc.asyncProperty(made, async (reports) => {
        let before = 0
        for (const { keyId, revision, date, requests, cachedTokens, durationMs } of reports) {
          const times = noTimes()
          addTimes(times, { firstOutputMs: null, durationMs })
          await report(keyId, revision, { date, requests, cachedTokens, promptTokens: 20, times })
          const after = await requestsTotal()
          expect(after['o3-mini']).toBeGreaterThanOrEqual(before)
          before = after['o3-mini'] ?? 0
        }
        for (const keyId of keys)
          await report(keyId, 21, { requests: 1_000 }, { date: '2027-01-04', requests: 1_000 })
        expect(await requestsTotal('?by=key')).toEqual({ abcdefghijkl: 2_000, bcdefghijklm: 2_000 })
        await reset()
      }),
      { seed: 1, numRuns: 15 },
    )
  })
})

describe('the series of keys', () => {
  const idOf = (at: number) => `k${String(at).padStart(11, '0')}`

  it('are bounded: later keys are counted together, and stay there', { timeout: 30_000 }, async () => {
    const key = await issueKey({ name: 'first' })
    await report(key.id, 1, { requests: 1 })
    for (let at = 1; at < METRIC_KEYS_MAX + 3; at += 1) await report(idOf(at), 1, { requests: 1 })
    const before = await requestsTotal('?by=key')
    expect([Object.keys(before).length, before[OTHER_KEYS]]).toEqual([METRIC_KEYS_MAX + 1, 3])
    await send('DELETE', `/admin/keys/${key.id}`, ADMIN_TOKEN)
    await report(idOf(METRIC_KEYS_MAX + 1), 2, { requests: 5, model: 'fast' })
    await report('new-key-id-1', 1, { requests: 1 })
    await report('new-key-id-2', 1, { requests: 1 })
    const after = await requestsTotal('?by=key')
    expect(after[key.id]).toBeUndefined()
    expect([Object.keys(after).length, after[OTHER_KEYS], after['new-key-id-1']]).toEqual([
      METRIC_KEYS_MAX + 1,
      9,
      1,
    ])
    expect(await requestsTotal()).toEqual({ 'o3-mini': METRIC_KEYS_MAX + 5, fast: 5 })
  })
})

it('a key has no series once it is deleted, though its last usage is reported later', async () => {
  const [first, late] = [await issueKey(), await issueKey()]
  await report(first.id, 1, { requests: 1 })
  for (const { id } of [first, late]) await send('DELETE', `/admin/keys/${id}`, ADMIN_TOKEN)
  await report(first.id, 2, { requests: 2 })
  await report(late.id, 1, { requests: 4 })
  expect(await requestsTotal('?by=key')).toEqual({})
  expect(await requestsTotal()).toEqual({ 'o3-mini': 6 })
})

describe('a directory of an earlier version', () => {
  it('begins with the sums of the days that it has', async () => {
    const gone = await issueKey()
    await report(KEY, 1, { requests: 3, promptTokens: 10, cachedTokens: 4, costMicroUsd: 7 })
    await report(KEY, 2, { requests: 2, date: '2027-01-01' }, { model: NO_MODEL, refused: 5 })
    await report(gone.id, 1, { requests: 1 })
    await send('DELETE', `/admin/keys/${gone.id}`, ADMIN_TOKEN)
    await runInDurableObject(directory(), (_instance, { storage }) => {
      const times = noTimes().map((_, at) => `ALTER TABLE usage DROP COLUMN times_${at};`)
      storage.sql.exec(`DROP TABLE metrics; ${times.join('')} ${metricMigration()}; ${SHOWN_MIGRATION}`)
    })
    expect(await requestsTotal()).toEqual({ 'o3-mini': 6 })
    expect(await requestsTotal('?by=key')).toEqual({ [KEY]: 5 })
    expect(valuesOf(await metrics(), 'gateway_tokens_total')).toMatchObject({ 'o3-mini prompt': 6 })
    await report(KEY, 3, { requests: 4, promptTokens: 10, cachedTokens: 4, costMicroUsd: 7 })
    expect(await requestsTotal()).toEqual({ 'o3-mini': 7 })
  })
})
