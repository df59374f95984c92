import { describe, expect, it } from 'vitest'
import { FOLD_OPERATIONS_MAX, FOLD_REST_MS, foldPastDays } from '../../../src/records/usage-fold.ts'
import { linesOf, recordLog } from '../../support/console.ts'
import { writeFoldedDay } from '../../../src/records/usage-store.ts'
import { NOTHING } from '../../../src/records/usage-totals.ts'
import { KvDouble } from '../../support/kv-double.ts'
import type { KvOperation } from '../../support/kv-double.ts'
import { asKVNamespace } from '../../support/kv-namespace.ts'
import { LedgerFleet } from '../../support/ledger-fleet.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const KEYS = ['alicealiceal', 'bobbobbobbob']

/** A KV that ends a run after so many operations, and lets readers look before each. */
class DyingKv extends KvDouble {
  left = Infinity
  watch: () => Promise<void> = () => Promise.resolve()
  #isLooking = false

  override async begin(operation: KvOperation): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    await this.watch()
    this.#isLooking = false
    this.left -= 1
    if (this.left < 0) throw new Error('the run was ended')
    await super.begin(operation)
  }
}

/** Two keys, three isolates, two days that are past and one that is not. Each key cost 60 a day. */
async function seeded(): Promise<{ fleet: LedgerFleet; kv: DyingKv; clock: VirtualClock }> {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1, 12))
  const kv = new DyingKv({ clock, visibilityDelayMs: 60_000 })
  const fleet = new LedgerFleet({ clock, kv })
  for (let day = 0; day < 3; day++) {
    for (const [at, isolate] of ['fra', 'syd', 'lhr'].map((name) => fleet.isolate(name)).entries())
      for (const key of KEYS) isolate.add(key, { requests: 1, costMicroUsd: 10 * (at + 1) })
    await clock.advance(day < 2 ? DAY_MS : 0)
  }
  await clock.advanceTo(Date.UTC(2026, 0, 3, 14))
  return { fleet, kv, clock }
}

async function run(kv: DyingKv, clock: VirtualClock, operations = Infinity): Promise<void> {
  kv.left = operations
  await foldPastDays(asKVNamespace(kv.at('fra')), clock.nowMs).catch(() => undefined)
  kv.left = Infinity
  await clock.advance(HOUR_MS)
}

async function expectAllRight(fleet: LedgerFleet): Promise<void> {
  for (const location of ['fra', 'syd'])
    for (const key of KEYS) expect(await fleet.isolate(location).costOf(key)).toBe(180)
}

describe('folding', () => {
  it('makes one record of each past day, and leaves today alone', async () => {
    const { fleet, kv, clock } = await seeded()
    await run(kv, clock)
    await run(kv, clock)
    const left = kv.names('').filter((name) => kv.read(name, 'fra') !== undefined)
    expect(left.filter((name) => name.startsWith('usage-day:'))).toEqual(
      KEYS.flatMap((key) => [`usage-day:${key}:2026-01-01`, `usage-day:${key}:2026-01-02`]),
    )
    expect(left.filter((name) => name.startsWith('usage:')).every((name) => name.includes('01-03'))).toBe(
      true,
    )
    await expectAllRight(fleet)
  })

  it('ended after any operation, and again in the next run, loses and doubles nothing, for readers in between too', async () => {
    recordLog()
    const whole = await seeded()
    await run(whole.kv, whole.clock)
    const folding = whole.kv.counts.put + whole.kv.counts.get
    for (let first = 0; first <= folding; first += 1) {
      for (const second of [0, 1, 2, 3, 5, 8, 13, Infinity]) {
        const { fleet, kv, clock } = await seeded()
        kv.watch = () => expectAllRight(fleet)
        await run(kv, clock, first)
        await run(kv, clock, second)
        await run(kv, clock, 7)
        await run(kv, clock)
        await run(kv, clock)
        await expectAllRight(fleet)
        const shards = kv.names('usage:').filter((name) => kv.read(name, 'fra') !== undefined)
        expect(shards).toHaveLength(6)
      }
    }
  }, 60_000)

  it('run twice at the same time is as if run once', async () => {
    recordLog()
    const { fleet, kv, clock } = await seeded()
    for (let count = 0; count < 3; count++) {
      const runs = ['fra', 'syd'].map((at) => foldPastDays(asKVNamespace(kv.at(at)), clock.nowMs))
      await Promise.allSettled(runs)
      await expectAllRight(fleet)
      await clock.advance(HOUR_MS)
    }
    await expectAllRight(fleet)
  })

  it('takes a shard that was written late for what it last said', async () => {
    const { fleet, kv, clock } = await seeded()
    await run(kv, clock)
    const [name = ''] = kv.names(`usage:${KEYS[0]}:2026-01-01`)
    const before = kv.read(name, 'fra')?.metadata ?? '[]'
    const metadata = JSON.parse(before) as number[]
    metadata[7] = (metadata[7] ?? 0) + 1_000
    await asKVNamespace(kv.at('fra')).put(name, '', { metadata })
    await clock.advance(60_000)
    for (let count = 0; count < 4; count++) {
      expect(await fleet.isolate('syd').costOf(KEYS[0])).toBe(1_180)
      await run(kv, clock)
    }
    expect(kv.read(name, 'fra')).toBeUndefined()
  })

  it('does not go back to what a shard said earlier', async () => {
    const { fleet, kv, clock } = await seeded()
    const namespace = asKVNamespace(kv.at('fra'))
    const [name = ''] = kv.names(`usage:${KEYS[0]}:2026-01-01`)
    const newer = { ...NOTHING, requests: 2, costMicroUsd: 1_000 }
    const [, , , , , , , older = 0] = JSON.parse(kv.read(name, 'fra')?.metadata ?? '[]') as number[]
    const shards = new Map([[name.slice(-36), newer]])
    await writeFoldedDay(namespace, `${KEYS[0]}:2026-01-01`, { foldedAtMs: clock.nowMs, shards })
    await clock.advance(60_000)
    for (let count = 0; count < 3; count++) {
      expect(await fleet.isolate('syd').costOf(KEYS[0])).toBe(180 + 1_000 - older)
      await run(kv, clock)
    }
  })

  it('waits until 02:00 UTC', async () => {
    const { kv, clock } = await seeded()
    await clock.advanceTo(Date.UTC(2026, 0, 4, 1, 59))
    await run(kv, clock)
    expect(kv.names('usage-day:').some((name) => name.endsWith('2026-01-03'))).toBe(false)
    await run(kv, clock)
    expect(kv.names('usage-day:').filter((name) => name.endsWith('2026-01-03'))).toHaveLength(2)
  })

  it('deletes nothing before its record has spread', async () => {
    const { kv, clock } = await seeded()
    const shards = kv.names('usage:').length
    const fold = (): Promise<void> => foldPastDays(asKVNamespace(kv.at('fra')), clock.nowMs)
    await fold()
    await clock.advance(FOLD_REST_MS - 1)
    await fold()
    expect(kv.counts.delete).toBe(0)
    await clock.advance(1)
    await fold()
    expect(kv.counts.delete).toBe(shards - 6)
  })

  it('makes at most so many operations in a run, and the next runs go on', async () => {
    const clock = new VirtualClock()
    const kv = new DyingKv({ clock })
    const fleet = new LedgerFleet({ clock, kv })
    const isolate = fleet.isolate('fra')
    const keys = Array.from({ length: 1_000 }, (_, at) => `key${at}`.padEnd(12, '-'))
    for (const key of keys) isolate.add(key)
    await clock.advance(DAY_MS)
    for (let runs = 0; runs < 8; runs++) {
      const before = { ...kv.counts }
      await run(kv, clock)
      const made = (['get', 'put', 'delete'] as const).map((name) => kv.counts[name] - before[name])
      expect(made.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(FOLD_OPERATIONS_MAX)
    }
    expect(kv.names('usage:').filter((name) => kv.read(name, 'fra'))).toEqual([])
    expect(await fleet.isolate('syd').costOf(keys[500])).toBe(10)
  })

  it('goes on past a record that cannot be read, and says so', async () => {
    const log = recordLog()
    const { kv, clock } = await seeded()
    await asKVNamespace(kv.at('fra')).put(`usage-day:${KEYS[0]}:2026-01-01`, 'no JSON')
    await run(kv, clock)
    expect(kv.names('usage-day:')).toHaveLength(4)
    expect(linesOf(log, 'trouble')).toMatchObject([{ what: 'usage_fold', keyId: `${KEYS[0]}:2026-01-01` }])
  })
})
