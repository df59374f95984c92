import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OPERATION_TIMEOUT_MS, PAUSE_MAX_MS } from '../../../src/limits/backoff.ts'
import { KEYS_MAX } from '../../../src/limits/limiter.ts'
import { WINDOW_MS } from '../../../src/limits/rolling-window.ts'
import { createShardStore } from '../../../src/limits/shard-store.ts'
import { Fleet } from '../../support/limits-fleet.ts'
import type { Isolate } from '../../support/limits-fleet.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const LIMITS = { requestsPerMinute: 60 }

/** Sends requests at an even pace. Returns the number of admitted requests. */
async function pace(
  fleet: Fleet,
  { ask }: Isolate,
  seconds: number,
  perSecond = 1,
  limits = LIMITS,
): Promise<number> {
  let admitted = 0
  for (let count = 0; count < seconds * perSecond; count++) {
    if (ask(limits).admitted) admitted += 1
    await fleet.clock.advance(1_000 / perSecond)
  }
  return admitted
}

describe('the limiter over KV', () => {
  it('counts the peers’ admissions once it has listed them', async () => {
    const fleet = new Fleet(2)
    for (let count = 0; count < 40; count++) fleet.at(0).ask(LIMITS)
    await fleet.clock.advance(2_000)
    fleet.at(0).ask(LIMITS)
    await fleet.clock.advance(1)
    for (let count = 0; count < 2; count++) fleet.at(1).ask(LIMITS)
    await fleet.clock.advance(1)
    const { state } = fleet.at(1).ask(LIMITS)
    expect(state.requests?.used).toBeGreaterThan(40)
    expect(state.requests?.remaining).toBeLessThan(20)
  })

  it('never admits more than isolates × limit in any 60 s, however KV fails', async () => {
    const event = fc.record({
      gapMs: fc.nat(4_000),
      isolate: fc.nat(2),
      burst: fc.integer({ min: 1, max: 8 }),
    })
    const kvFaults = fc.record({
      put: fc.constantFrom(0, 0.5, 1),
      list: fc.constantFrom(0, 0.5, 1),
      delayMs: fc.nat(90_000),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 120 }),
        kvFaults,
        fc.nat(),
        async (events, faults, seed) => {
          const fleet = new Fleet(3, { visibilityDelayMs: faults.delayMs, random: seededRandom(seed) })
          Object.assign(fleet.kv.failureRates, { put: faults.put, list: faults.list })
          const admittedAtMs: number[] = []
          for (const { gapMs, isolate, burst } of events) {
            await fleet.clock.advance(gapMs)
            const { nowMs } = fleet.clock
            for (let count = 0; count < burst; count++)
              if (fleet.at(isolate).ask({ requestsPerMinute: 5 }).admitted) admittedAtMs.push(nowMs)
            const inWindow = admittedAtMs.filter((atMs) => nowMs - atMs < WINDOW_MS).length
            expect(inWindow).toBeLessThanOrEqual(3 * 5)
          }
          expect(fleet.kv.tooManyWrites).toBe(0)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('never writes a key twice within a second, however slow KV is', async () => {
    const random = seededRandom(1)
    const fleet = new Fleet(1, { latencyMs: () => random() * 4_000 })
    await pace(fleet, fleet.at(0), 300, 10, { requestsPerMinute: 20 })
    expect(fleet.kv.tooManyWrites).toBe(0)
    expect(fleet.kv.counts.put).toBeGreaterThan(30)
    expect(fleet.troubles).toEqual([])
  })

  it('writes and lists once for three requests at most, in the mean, while it is quiet', async () => {
    const fleet = new Fleet()
    const requests = 900
    for (let count = 0; count < requests; count++) {
      fleet.at(0).ask(LIMITS)
      await fleet.clock.advance(61_000)
    }
    expect(fleet.kv.counts.list).toBeLessThanOrEqual(requests / 3)
    expect(fleet.kv.counts.put).toBeLessThanOrEqual(requests / 3 + 50)
  })

  it('writes nothing for the first request of a key far from its limit', async () => {
    const fleet = new Fleet(100)
    for (const { ask } of fleet.isolates) ask({ requestsPerMinute: 1_000_000 })
    await fleet.clock.advance(1_000)
    expect(fleet.kv.counts.put).toBe(0)
  })

  it('shows its peers the demand of isolates that are all quiet', async () => {
    const limits = { requestsPerMinute: 600 }
    const fleet = new Fleet(200)
    // 200 isolates with 6 requests a minute: twice the limit, and each isolate is below 2 % of it.
    for (let round = 0; round < 6 * 4; round++) {
      for (const { ask } of fleet.isolates) ask(limits)
      await fleet.clock.advance(10_000)
    }
    let refused = 0
    for (const { ask } of fleet.isolates) if (!ask(limits).admitted) refused += 1
    expect(refused).toBeGreaterThan(50)
  })

  it('ends its counts when it becomes quiet, so that peers do not count it twice', async () => {
    const fleet = new Fleet()
    await pace(fleet, fleet.at(0), 60)
    await fleet.clock.advance(60_000)
    fleet.at(0).ask(LIMITS)
    await fleet.clock.advance(1)
    const shards = await createShardStore(fleet.kv.at('elsewhere')).list('key')
    expect(shards).toMatchObject([{ renewWithinSeconds: 0, requests: { admitted: 0 } }])
  })

  it('decides by its own count when KV fails, backs off, and reports each pause', async () => {
    const fleet = new Fleet()
    fleet.kv.failureRates.put = 1
    fleet.kv.failureRates.list = 1
    expect(await pace(fleet, fleet.at(0), 3_600, 2)).toBeLessThanOrEqual(60 * 60 + 60)
    const pausesMs = fleet.troubles
      .filter(({ operation }) => operation === 'publish')
      .map(({ pauseMs }) => pauseMs)
    expect(pausesMs.slice(0, 6)).toEqual([2_000, 2_000, 2_000, 2_000, 4_000, 8_000])
    expect(pausesMs.at(-1)).toBe(PAUSE_MAX_MS)
    expect(fleet.kv.counts.put).toBe(pausesMs.length)
    expect(pausesMs.length).toBeLessThan(25)
    expect(fleet.troubles[0]).toEqual({
      keyId: 'key',
      operation: 'publish',
      failures: 1,
      pauseMs: 2_000,
      reason: 'Error: KV PUT failed: 500 Internal Server Error',
    })
  })

  it('still decides when KV’s daily quota is spent, and publishes again the next day', async () => {
    const fleet = new Fleet(1, { dailyQuota: { put: 20 } })
    await pace(fleet, fleet.at(0), 3_600)
    expect(fleet.troubles.at(-1)).toMatchObject({ operation: 'publish', pauseMs: PAUSE_MAX_MS })
    await fleet.clock.advance(12 * 3_600_000)
    const before = fleet.troubles.length
    await pace(fleet, fleet.at(0), 60)
    expect(fleet.troubles.length).toBe(before)
    expect(fleet.kv.counts.put).toBeGreaterThan(20)
  })

  it('times out operations that hang, and retries them later', async () => {
    const fleet = new Fleet()
    fleet.kv.hanging.add('put').add('list')
    await pace(fleet, fleet.at(0), OPERATION_TIMEOUT_MS / 1_000)
    expect(fleet.kv.counts).toMatchObject({ put: 1, list: 1 })
    fleet.kv.hanging.clear()
    await pace(fleet, fleet.at(0), 5)
    expect(fleet.troubles.map(({ operation, reason }) => [operation, reason])).toEqual([
      ['publish', 'no answer'],
      ['list', 'no answer'],
    ])
    expect(fleet.kv.counts).toMatchObject({ put: 2, list: 2 })
  })

  it('ignores the late end of an operation that has timed out', async () => {
    const fleet = new Fleet(1, { latencyMs: () => 45_000 })
    // The first operation times out after 30 s, and is retried 2 s later. Its late end after 45 s does not end the retry.
    await pace(fleet, fleet.at(0), 60)
    expect(fleet.kv.counts).toMatchObject({ put: 2, list: 2 })
  })

  it('passes KV operations to the request that began them, and none of them rejects', async () => {
    const fleet = new Fleet()
    fleet.kv.failureRates.put = 1
    const handed: Promise<unknown>[] = []
    for (let count = 0; count < 3; count++) {
      const cost = { requests: 1, tokens: 0 } as const
      fleet.at(0).limiter.check('key', LIMITS, cost, fleet.clock.nowMs, (work) => handed.push(work))
    }
    // The first request is below the quiet share. The second begins both operations. The third begins none while they run.
    expect(handed).toHaveLength(2)
    await expect(Promise.all(handed)).resolves.toEqual([undefined, undefined])
  })

  it('counts its own earlier shard of a key that it has evicted', async () => {
    const fleet = new Fleet()
    const { ask } = fleet.at(0)
    for (let count = 0; count < 50; count++) ask(LIMITS)
    await fleet.clock.advance(2_000)
    ask(LIMITS)
    await fleet.clock.advance(1)
    for (let index = 0; index < KEYS_MAX; index++) ask(LIMITS, 0, `key${index}`)
    ask(LIMITS)
    ask(LIMITS)
    await fleet.clock.advance(1)
    expect(ask(LIMITS).state.requests?.used).toBeGreaterThan(50)
  })
})
