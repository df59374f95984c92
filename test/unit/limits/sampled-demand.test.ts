import { describe, expect, it } from 'vitest'
import {
  LIST_GAP_MAX_MS,
  SAMPLE_MEMORY_MS,
  SampledDemand,
  SAMPLES_MAX,
} from '../../../src/limits/sampled-demand.ts'
import type { Shard } from '../../../src/limits/shard.ts'

const NOW_MS = Date.UTC(2026, 0, 1)

function sample(isolateId: string, change: Partial<Shard> = {}): Shard {
  const requests = { admitted: 0, offered: 12 }
  const tokens = { admitted: 0, offered: 600 }
  return { isolateId, seq: 1, timeMs: NOW_MS, renewWithinSeconds: 0, requests, tokens, ...change }
}

/** Lists `count` new samples each `everyMs`. */
function list(demand: SampledDemand, lists: number, everyMs: number, count: number): number {
  let nowMs = NOW_MS
  for (let at = 0; at < lists; at++) {
    nowMs += everyMs
    demand.merge(
      Array.from({ length: count }, (_, index) => sample(`${at}.${index}`, { timeMs: nowMs - 60_000 })),
      nowMs,
    )
  }
  return nowMs
}

describe('the demand by samples', () => {
  it.each([5_000, 20_000, 45_000, 90_000])('is independent of the time between lists: %i ms', (everyMs) => {
    const demand = new SampledDemand()
    // 20 samples of 12 requests in 10 s are 1,440 requests a minute.
    const nowMs = list(demand, 900_000 / everyMs, everyMs, everyMs / 500)
    expect(demand.offered('requests', nowMs) / 1_440).toBeCloseTo(1, 1)
    expect(demand.offered('tokens', nowMs) / 72_000).toBeCloseTo(1, 1)
  })

  it('counts each sample once, also an older sample that is listed again', () => {
    const demand = new SampledDemand()
    demand.merge([sample('a', { seq: 3 })], NOW_MS)
    expect([2, 3, 4].map((seq) => demand.hasSeen(sample('a', { seq })))).toEqual([true, true, false])
    expect(demand.hasSeen(sample('b'))).toBe(false)
  })

  it('estimates a first list by the time over which its samples were drawn', () => {
    const demand = new SampledDemand()
    const samples = Array.from({ length: 61 }, (_, at) => sample(`${at}`, { timeMs: NOW_MS - at * 1_000 }))
    demand.merge(samples, NOW_MS)
    expect(demand.offered('requests', NOW_MS) / 732).toBeCloseTo(1)
  })

  it('is kept between lists, and fades after the last one', () => {
    const demand = new SampledDemand()
    const nowMs = list(demand, 10, 30_000, 10)
    const atFirst = demand.offered('requests', nowMs)
    expect(demand.offered('requests', nowMs + LIST_GAP_MAX_MS)).toBe(atFirst)
    expect(demand.offered('requests', nowMs + LIST_GAP_MAX_MS + 30_000)).toBeCloseTo(atFirst / 2)
    expect(demand.offered('requests', nowMs + LIST_GAP_MAX_MS + 60_000)).toBe(0)
  })

  it('forgets a demand that has ended within some lists', () => {
    const demand = new SampledDemand()
    let nowMs = list(demand, 10, 30_000, 10)
    const before = demand.offered('requests', nowMs)
    for (let lists = 0; lists < 4; lists++) demand.merge([], (nowMs += 30_000))
    expect(demand.offered('requests', nowMs)).toBeLessThan(before / 10)
  })

  it('remembers samples for as long as they can be listed, and a bounded number of them', () => {
    const demand = new SampledDemand()
    demand.merge([sample('a')], NOW_MS)
    demand.merge([], NOW_MS + SAMPLE_MEMORY_MS - 1)
    expect(demand.hasSeen(sample('a'))).toBe(true)
    demand.merge([], NOW_MS + SAMPLE_MEMORY_MS)
    expect(demand.hasSeen(sample('a'))).toBe(false)
    const many = Array.from({ length: SAMPLES_MAX + 1 }, (_, at) => sample(`${at}`))
    demand.merge(many, NOW_MS + SAMPLE_MEMORY_MS)
    expect(many.filter((shard) => demand.hasSeen(shard))).toHaveLength(SAMPLES_MAX)
    expect(demand.hasSeen(sample('0'))).toBe(false)
  })
})
