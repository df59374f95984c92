import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createLedger,
  FLUSHERS_MAX,
  SHARDS_MAX,
  WRITE_PAUSE_MAX_MS,
  WRITE_TIMEOUT_MS,
} from '../../../src/records/usage-ledger.ts'
import { writeFoldedDay } from '../../../src/records/usage-store.ts'
import { NOTHING } from '../../../src/records/usage-totals.ts'
import { asKVNamespace } from '../../support/kv-namespace.ts'
import { ENTRY, KEY, LedgerFleet } from '../../support/ledger-fleet.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { settleMicrotasks } from '../../support/virtual-clock.ts'

describe('the ledger', () => {
  it('writes at once, then once a second, and loses nothing of a burst', async () => {
    const fleet = new LedgerFleet()
    const { add } = fleet.isolate('fra')
    add()
    await settleMicrotasks()
    expect(await fleet.isolate('syd').costOf()).toBe(10)
    for (let count = 0; count < 300; count++) {
      add()
      await fleet.clock.advance(10)
    }
    await fleet.clock.advance(1_000)
    expect(await fleet.isolate('syd').costOf()).toBe(3_010)
    expect(fleet.kv.counts.put).toBeLessThanOrEqual(5)
    expect(fleet.kv.tooManyWrites).toBe(0)
    // The first writes; then a few wait in each of three seconds.
    await expect(Promise.all(fleet.background)).resolves.toHaveLength(1 + 3 * FLUSHERS_MAX)
  })

  it('holds few requests of a burst back, and loses nothing where all of these but one are ended', async () => {
    const fleet = new LedgerFleet()
    const { clock, kv } = fleet
    let waiting = 0
    const ledger = createLedger(asKVNamespace(kv.at('fra')), {
      clock: () => clock.nowMs,
      sleep(ms) {
        waiting += 1
        // Of a request that was ended nothing comes back any more.
        return waiting < FLUSHERS_MAX ? new Promise(() => undefined) : clock.sleep(ms)
      },
    })
    const background: Promise<unknown>[] = []
    const add = (): void => ledger.add(KEY, ENTRY, clock.nowMs, (work) => background.push(work))
    add()
    await settleMicrotasks()
    // So far it was the first write's own time-out that slept.
    waiting = 0
    for (let count = 0; count < 100; count++) add()
    expect(waiting).toBe(FLUSHERS_MAX)
    expect(background).toHaveLength(1 + FLUSHERS_MAX)
    await clock.advance(1_000)
    expect(await fleet.isolate('syd').costOf()).toBe(1_010)
  })

  it('cares for the last request of an outage as long as for the first', async () => {
    const fleet = new LedgerFleet()
    fleet.kv.failureRates.put = 1
    const { add } = fleet.isolate('fra')
    for (let second = 0; second <= 27; second++) {
      for (let count = 0; count < 10; count++) add()
      await fleet.clock.advance(1_000)
    }
    await fleet.clock.advance(10_000)
    fleet.kv.failureRates.put = 0
    await fleet.clock.advance(10_000)
    expect(await fleet.isolate('syd').costOf()).toBe(2_800)
    await expect(Promise.all(fleet.background)).resolves.toHaveLength(1 + 28 * FLUSHERS_MAX)
  })

  it('writes all numbers, and shows its own at once', async () => {
    const { add, ledger } = new LedgerFleet().isolate('fra')
    const entry = {
      requests: 1,
      failures: 1,
      promptTokens: 5,
      cachedTokens: 4,
      completionTokens: 3,
      reasoningTokens: 2,
      costMicroUsd: 9,
      unmetered: 1,
    }
    const view = await ledger.look(KEY, '2026-01-01', '2026-01-01')
    add(KEY, entry)
    expect(view.days()).toEqual(new Map([[`${KEY}:2026-01-01`, entry]]))
  })

  it('loses nothing to a KV that is slow and fails, and never writes a shard twice within a second', async () => {
    const gaps = fc.array(fc.nat(3_000), { minLength: 1, maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(gaps, fc.constantFrom(0, 0.3, 0.7), fc.nat(), async (gapsMs, failing, seed) => {
        const random = seededRandom(seed)
        const fleet = new LedgerFleet({ random, latencyMs: () => random() * 2_000 })
        fleet.kv.failureRates.put = failing
        const { add } = fleet.isolate('fra')
        for (const gapMs of gapsMs) {
          add()
          await fleet.clock.advance(gapMs)
        }
        fleet.kv.failureRates.put = 0
        await fleet.clock.advance(WRITE_PAUSE_MAX_MS + WRITE_TIMEOUT_MS)
        const read = fleet.isolate('syd').costOf()
        await fleet.clock.advance(10_000)
        expect(await read).toBe(10 * gapsMs.length)
        expect(fleet.kv.tooManyWrites).toBe(0)
      }),
      { numRuns: 60 },
    )
  })

  it('tries again in the same request, for half a minute at most, and tells of the trouble once', async () => {
    const fleet = new LedgerFleet()
    fleet.kv.failureRates.put = 1
    fleet.isolate('fra').add()
    await fleet.clock.advance(30_000)
    await expect(Promise.all(fleet.background)).resolves.toHaveLength(1)
    expect(fleet.kv.counts.put).toBe(5)
    expect(fleet.troubles).toEqual([`${KEY}: Error: KV PUT failed: 500 Internal Server Error`])
  })

  it('writes what could not be written along with the next request, whosever it is, over midnight too', async () => {
    const fleet = new LedgerFleet()
    fleet.kv.failureRates.put = 1
    const { add } = fleet.isolate('fra')
    add()
    await fleet.clock.advance(86_400_000)
    fleet.kv.failureRates.put = 0
    add('otherotherot')
    await fleet.clock.advance(1)
    expect(await fleet.isolate('syd').costOf()).toBe(10)
  })

  it('gives up a write that hangs', async () => {
    const fleet = new LedgerFleet()
    fleet.kv.hanging.add('put')
    const { add } = fleet.isolate('fra')
    add()
    await fleet.clock.advance(1)
    fleet.kv.hanging.clear()
    add()
    await fleet.clock.advance(WRITE_TIMEOUT_MS + 3_000)
    expect(await fleet.isolate('syd').costOf()).toBe(20)
  })

  it('waits for no other request: one that was ended in the middle of its write keeps nobody’s totals back', async () => {
    const fleet = new LedgerFleet()
    const { clock, kv } = fleet
    let isEnded = true
    const ledger = createLedger(asKVNamespace(kv.at('fra')), {
      clock: () => clock.nowMs,
      // Of a request that was ended nothing comes back any more.
      sleep: (ms) => (isEnded ? new Promise(() => undefined) : clock.sleep(ms)),
    })
    kv.hanging.add('put')
    ledger.add(KEY, ENTRY, clock.nowMs, () => undefined)
    await settleMicrotasks()
    isEnded = false
    kv.hanging.clear()
    ledger.add(KEY, ENTRY, clock.nowMs, () => undefined)
    await clock.advance(WRITE_TIMEOUT_MS + 1_000)
    expect(await fleet.isolate('syd').costOf()).toBe(20)
  })

  it('remembers so many days of keys at most, and a forgotten one goes on as a new shard', async () => {
    const fleet = new LedgerFleet()
    const { add, ledger } = fleet.isolate('fra')
    add()
    for (let index = 0; index < SHARDS_MAX; index++) add(`key${index}`)
    expect(ledger.size).toBe(SHARDS_MAX)
    await fleet.clock.advance(2_000)
    add()
    await fleet.clock.advance(1)
    expect(fleet.kv.names(`usage:${KEY}:`)).toHaveLength(2)
    expect(await fleet.isolate('syd').costOf()).toBe(20)
  })

  it('begins a new shard at midnight UTC, and lists only the dates asked for', async () => {
    const fleet = new LedgerFleet()
    const { add, ledger } = fleet.isolate('fra')
    add()
    await fleet.clock.advance(12 * 3_600_000 - 1)
    add()
    await fleet.clock.advance(1)
    add()
    add('keykeykeykez')
    const datesBetween = async (from: string, to: string): Promise<[string, number][]> =>
      [...(await ledger.look(KEY, from, to)).days()].map(([day, { requests }]) => [day.slice(-10), requests])
    expect(await datesBetween('2026-01-01', '2026-01-02')).toEqual([
      ['2026-01-01', 2],
      ['2026-01-02', 1],
    ])
    expect(await datesBetween('2026-01-02', '2026-02-28')).toEqual([['2026-01-02', 1]])
    expect(await datesBetween('2025-12-31', '2025-12-31')).toEqual([])
  })

  it('counts the shards of a day that is folded and not yet deleted once, its own too', async () => {
    const fleet = new LedgerFleet()
    const { add, kv, costOf } = fleet.isolate('fra')
    add()
    await fleet.clock.advance(1_000)
    const [name = ''] = fleet.kv.names('usage:')
    const shards = new Map([
      [name.slice(-36), { ...NOTHING, ...ENTRY }],
      ['another', { ...NOTHING, requests: 1, costMicroUsd: 5 }],
    ])
    await writeFoldedDay(kv, `${KEY}:2026-01-01`, { foldedAtMs: 1, shards })
    expect([await costOf(), await fleet.isolate('fra').costOf()]).toEqual([15, 15])
    await fleet.clock.advance(1_000)
    await kv.delete(name)
    expect([await costOf(), await fleet.isolate('fra').costOf()]).toEqual([15, 15])
  })

  it('takes no notice of what it cannot read', async () => {
    const fleet = new LedgerFleet()
    const { kv, costOf } = fleet.isolate('fra')
    for (const [at, metadata] of [null, 'x', [2, 1], [1, -5], [1, 0.5], { requests: 1 }].entries())
      await kv.put(`usage:${KEY}:2026-01-01:shard${at}`, '', { metadata })
    expect(await costOf()).toBe(0)
  })

  it('rejects where KV does', async () => {
    const fleet = new LedgerFleet()
    fleet.kv.failureRates.list = 1
    await expect(fleet.isolate('fra').costOf()).rejects.toThrow('KV LIST failed')
  })
})
