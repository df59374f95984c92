import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Decision } from '../../../src/limits/decision.ts'
import type { ShardStore } from '../../../src/limits/shard-store.ts'
import { createLimiter, KEYS_MAX } from '../../../src/limits/limiter.ts'
import { WINDOW_MS } from '../../../src/limits/rolling-window.ts'
import { Fleet } from '../../support/limits-fleet.ts'

const REQUEST = { requests: 1, tokens: 0 } as const
const ignore = (): void => undefined

const silent: ShardStore = {
  publish: () => new Promise(() => undefined),
  list: () => new Promise(() => undefined),
}

function retryAfterMs(decision: Decision): number {
  if (decision.admitted || decision.reason === 'tokens_too_large') throw new Error('not refused for now')
  return decision.retryAfterMs
}

describe('the limiter in one isolate', () => {
  it('admits exactly the limit of any number of attempts, and again after the window has rolled', async () => {
    const fleet = new Fleet()
    const { ask } = fleet.at(0)
    const admitted = (): number =>
      Array.from({ length: 25 }, () => ask({ requestsPerMinute: 20 })).filter((decision) => decision.admitted)
        .length
    expect(admitted()).toBe(20)
    await fleet.clock.advance(WINDOW_MS - 1)
    expect(admitted()).toBe(0)
    await fleet.clock.advance(1)
    expect(admitted()).toBe(20)
  })

  it('reports the remaining amount and the time until the whole limit is available', async () => {
    const fleet = new Fleet()
    const limits = { requestsPerMinute: 3, tokensPerMinute: 1_000 }
    expect(fleet.at(0).ask(limits, 400).state).toEqual({
      requests: { limit: 3, used: 1, remaining: 2, resetMs: WINDOW_MS },
      tokens: { limit: 1_000, used: 400, remaining: 600, resetMs: WINDOW_MS },
    })
    await fleet.clock.advance(20_000)
    expect(fleet.at(0).limiter.peek('key', limits, fleet.clock.nowMs).requests?.resetMs).toBe(40_000)
    expect(fleet.at(0).limiter.peek('other', limits, fleet.clock.nowMs).tokens).toMatchObject({
      used: 0,
      resetMs: 0,
    })
  })

  it('takes back what a request has counted that was never sent, once', () => {
    const { ask, limiter } = new Fleet().at(0)
    const limits = { requestsPerMinute: 2, tokensPerMinute: 1_000 }
    const first = ask(limits, 400)
    const second = ask(limits, 400)
    if (!first.admitted || !second.admitted) throw new Error('refused')
    limiter.release(first.reservation, first.reservation.admittedAtMs)
    limiter.release(first.reservation, first.reservation.admittedAtMs)
    limiter.settle(first.reservation, 900, first.reservation.admittedAtMs)
    expect(limiter.peek('key', limits, first.reservation.admittedAtMs)).toMatchObject({
      requests: { used: 1 },
      tokens: { used: 400 },
    })
  })

  it('keeps no state for a key without limits', () => {
    const { ask, limiter } = new Fleet().at(0)
    expect(ask({}, 5)).toMatchObject({ admitted: true, state: {} })
    expect(ask({ requestsPerMinute: undefined, mode: 'strict' })).toMatchObject({ admitted: true, state: {} })
    expect(limiter.size).toBe(0)
  })

  it('admits a single caller that retries after retry-after, for any earlier requests', async () => {
    const request = fc.record({ gapMs: fc.nat(9_000), tokens: fc.nat(600), usage: fc.option(fc.nat(1_500)) })
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 60 }), fc.nat(1_000), async (requests, tokens) => {
        const fleet = new Fleet()
        const { ask, limiter } = fleet.at(0)
        const limits = { requestsPerMinute: 8, tokensPerMinute: 1_000 }
        for (const { gapMs, tokens: estimate, usage } of requests) {
          const decision = ask(limits, estimate)
          await fleet.clock.advance(gapMs)
          if (decision.admitted && usage !== null)
            limiter.settle(decision.reservation, usage, fleet.clock.nowMs)
          for (const limitStatus of Object.values(decision.state)) {
            expect(limitStatus.remaining).toBeGreaterThanOrEqual(0)
            expect(limitStatus.used).toBeGreaterThanOrEqual(0)
          }
        }
        const refused = ask(limits, tokens)
        if (refused.admitted) return
        expect(retryAfterMs(refused)).toBeGreaterThanOrEqual(1)
        expect(retryAfterMs(refused)).toBeLessThanOrEqual(WINDOW_MS)
        await fleet.clock.advance(retryAfterMs(refused))
        expect(ask(limits, tokens).admitted).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  it('refuses a retry one millisecond before its retry-after', async () => {
    const fleet = new Fleet()
    const { ask } = fleet.at(0)
    for (let count = 0; count < 5; count++) {
      ask({ requestsPerMinute: 5 })
      await fleet.clock.advance(1_700)
    }
    const afterMs = retryAfterMs(ask({ requestsPerMinute: 5 }))
    await fleet.clock.advance(afterMs - 1)
    expect(ask({ requestsPerMinute: 5 }).admitted).toBe(false)
  })

  it('names the limit with the longest wait', () => {
    const { ask } = new Fleet().at(0)
    ask({ tokensPerMinute: 100 }, 80)
    expect(ask({ requestsPerMinute: 5, tokensPerMinute: 100 }, 30)).toMatchObject({
      reason: 'tokens',
      limit: 100,
      used: 80,
    })
    expect(ask({ requestsPerMinute: 5 })).toMatchObject({ admitted: true })
    expect(ask({ requestsPerMinute: 1 })).toMatchObject({ reason: 'requests', limit: 1, used: 1 })
  })

  it('refuses a request larger than the whole limit for good, and counts and publishes nothing', () => {
    const fleet = new Fleet()
    const { ask } = fleet.at(0)
    const limits = { requestsPerMinute: 1, tokensPerMinute: 100 }
    const decision = ask(limits, 101)
    expect(decision).toMatchObject({ reason: 'tokens_too_large', limit: 100, requestedTokens: 101 })
    expect(decision).not.toHaveProperty('retryAfterMs')
    for (let count = 0; count < 20; count++) ask(limits, 101)
    expect(fleet.kv.counts).toMatchObject({ put: 0, list: 0 })
    expect(ask(limits, 100).admitted).toBe(true)
  })

  it('replaces a reservation by the usage, once', () => {
    const fleet = new Fleet()
    const { ask, limiter } = fleet.at(0)
    const limits = { tokensPerMinute: 1_000 }
    const usedAfter = (tokens: number, usage: number): number | undefined => {
      const decision = ask(limits, tokens)
      if (!decision.admitted) throw new Error('refused')
      limiter.settle(decision.reservation, usage, fleet.clock.nowMs)
      limiter.settle(decision.reservation, 999, fleet.clock.nowMs)
      return limiter.peek('key', limits, fleet.clock.nowMs).tokens?.used
    }
    expect(usedAfter(400, 100)).toBe(100)
    expect(usedAfter(400, 1_300)).toBe(1_400)
    expect(limiter.peek('key', limits, fleet.clock.nowMs).tokens?.remaining).toBe(0)
  })

  it('counts a part of a token as 1, and NaN and negative numbers as 0', () => {
    const { ask } = new Fleet().at(0)
    const used = [0.5, Number.NaN, -7, 10].map(
      (tokens) => ask({ tokensPerMinute: 100 }, tokens).state.tokens?.used,
    )
    expect(used).toEqual([1, 1, 1, 11])
  })

  it('remembers a bounded number of keys, and evicts the least recently used', () => {
    const { ask, limiter } = new Fleet().at(0)
    const limits = { requestsPerMinute: 1 }
    for (let index = 0; index < KEYS_MAX; index++) ask(limits, 0, `key${index}`)
    ask(limits, 0, 'key0')
    ask(limits, 0, 'one more')
    expect(limiter.size).toBe(KEYS_MAX)
    expect(ask(limits, 0, 'key0').admitted).toBe(false)
    expect(ask(limits, 0, 'key1').admitted).toBe(true)
  })

  it('decides at once even if KV never answers', () => {
    const limiter = createLimiter({ shards: silent })
    const limits = { requestsPerMinute: 2, tokensPerMinute: 100 }
    const handed: Promise<unknown>[] = []
    const decisions = [0, 1, 2].map((ms) =>
      limiter.check('key', limits, REQUEST, ms, (work) => handed.push(work)),
    )
    expect(decisions.map((decision) => decision.admitted)).toEqual([true, true, false])
    expect(handed.length).toBeGreaterThan(0)
  })

  it('draws its id at the first request, not before', async () => {
    let draws = 0
    const random = (): number => {
      draws += 1
      return 0.5
    }
    const isolateIds: string[] = []
    const publish = (_: string, shard: { isolateId: string }): Promise<void> => {
      isolateIds.push(shard.isolateId)
      return Promise.resolve()
    }
    const limiter = createLimiter({ shards: { ...silent, publish }, random })
    expect(draws).toBe(0)
    limiter.check('a', { requestsPerMinute: 1 }, REQUEST, 0, ignore)
    limiter.check('b', { requestsPerMinute: 1 }, REQUEST, 0, ignore)
    expect(draws).toBe(1)
    expect(isolateIds).toEqual(['i0000000.1', 'i0000000.2'])
  })
})
