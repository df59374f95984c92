/** What the book of an account promises for any order of calls, over a real SQLite. */
import * as fc from 'fast-check'
import { describe, expect, inject, it } from 'vitest'
import type { Limits } from '../../src/limits/limits.ts'
import type { AdmissionReply } from '../../src/accounts/protocol.ts'
import { dateOf } from '../../src/calendar.ts'
import { BookModel, CALLS, type Call } from './book-model.ts'
import { NOON_MS, BookRig } from './book-rig.ts'

const { seed } = inject('fuzz')
const RUNS = 400

const periods = fc.constantFrom('day' as const, 'month' as const, 'total' as const)
/** Small limits, so that most requests meet one of them. */
const limitsOf = fc.record(
  {
    requestsPerMinute: fc.integer({ min: 1, max: 6 }),
    tokensPerMinute: fc.integer({ min: 20, max: 200 }),
    requestsPerDay: fc.integer({ min: 1, max: 20 }),
    concurrentRequests: fc.integer({ min: 1, max: 4 }),
    budget: fc.record({
      usd: fc.integer({ min: 1, max: 400 }).map((microUsd) => microUsd / 1_000_000),
      period: periods,
    }),
  },
  { requiredKeys: [] },
)
const calls = fc.array(fc.oneof(...CALLS), { minLength: 1, maxLength: 60 })
/** Some runs begin shortly before midnight of the last day of a month. */
const startMs = fc.constantFrom(NOON_MS, Date.UTC(2026, 11, 1) - 90_000)

function holds(check: (model: BookModel, limits: Limits, all: readonly Call[]) => void): void {
  fc.assert(
    fc.property(limitsOf, startMs, calls, (limits, atMs, all) =>
      check(new BookModel(atMs, limits), limits, all),
    ),
    { seed, numRuns: RUNS },
  )
}

// A slow machine may take its time for so many runs.
describe('for any calls, losses, restarts and clock steps, the book', { timeout: 60_000 }, () => {
  it('never books more than the budget and the worst case of one request', () => {
    holds((other, { budget = { usd: 0.000_2, period: 'day' } }, all) => {
      // Other limits would keep the budget from being reached.
      const model = new BookModel(other.nowMs, { budget })
      for (const call of all) {
        model.run(call)
        for (const [period, bookedMicroUsd] of model.bookedByPeriod(budget.period)) {
          // The true cost of a request may exceed the estimate that its lost lease was booked at.
          const boundMicroUsd = Math.round(budget.usd * 1e6) + model.worstMaxMicroUsd + model.raisedMicroUsd
          expect(bookedMicroUsd, period).toBeLessThanOrEqual(boundMicroUsd)
        }
      }
    })
  })

  it('admits no more requests of a day than the limit', () => {
    holds((model, { requestsPerDay = Infinity }, all) => {
      for (const call of all) model.run(call)
      const days = Map.groupBy(model.unreleased(), ({ admittedAtMs }) => dateOf(admittedAtMs))
      for (const requests of days.values()) expect(requests.length).toBeLessThanOrEqual(requestsPerDay)
    })
  })

  it('admits no more requests at once than the limit', () => {
    holds((model, { concurrentRequests = Infinity }, all) => {
      const counts = all.map((call) => (model.run(call) ? model.concurrent() : 0))
      expect(Math.max(...counts)).toBeLessThanOrEqual(concurrentRequests)
    })
  })

  it('admits no more requests in any 60 s than the limit', () => {
    holds((model, { requestsPerMinute = Infinity }, all) => {
      for (const call of all) model.run(call)
      const timesMs = model.unreleased().map(({ windowAtMs }) => windowAtMs)
      for (const endMs of timesMs) {
        const inWindow = timesMs.filter((atMs) => atMs > endMs - 60_000 && atMs <= endMs)
        expect(inWindow.length).toBeLessThanOrEqual(requestsPerMinute)
      }
    })
  })

  it('has the sum of the true usage once all requests are settled', () => {
    holds((model, _limits, all) => {
      for (const call of all) model.run(call)
      model.settleAll()
      const rows = model.rig.book.rows('0000-00-00', '9999-12-31')
      const sum = (name: 'requests' | 'costMicroUsd' | 'promptTokens' | 'pending' | 'estimated') =>
        rows.reduce((total, row) => total + row[name], 0)
      const settled = model.unreleased()
      expect(sum('requests')).toBe(settled.length)
      expect(sum('costMicroUsd')).toBe(settled.reduce((total, { trueMicroUsd }) => total + trueMicroUsd, 0))
      expect(sum('promptTokens')).toBe(settled.reduce((total, { trueTokens }) => total + trueTokens, 0))
      expect(sum('pending')).toBe(0)
      expect(sum('estimated')).toBe(settled.filter(({ state }) => state === 'estimated').length)
    })
  })

  it('has the true cost of each combination of tags in its own rows', () => {
    holds((model, _limits, all) => {
      for (const call of all) model.run(call)
      model.settleAll()
      const costs = (requests: readonly { tags?: string | undefined; costMicroUsd: number }[]) => {
        const byTags = Map.groupBy(requests, ({ tags }) => tags)
        const sums = [...byTags].map(([tags, same]) => [
          tags,
          same.reduce((sum, one) => sum + one.costMicroUsd, 0),
        ])
        return new Map(sums.filter(([, sum]) => sum !== 0) as [string | undefined, number][])
      }
      const settled = model
        .unreleased()
        .map(({ tags, trueMicroUsd }) => ({ tags, costMicroUsd: trueMicroUsd }))
      expect(costs(model.rig.book.rows('0000-00-00', '9999-12-31'))).toEqual(costs(settled))
    })
  })

  it('answers after a restart as if it had not restarted', () => {
    holds((model, limits, all) => {
      const other = new BookModel(model.nowMs, limits)
      for (const call of all) {
        // The time that a refused request has seen is not stored. It matters only if the clock then steps back.
        if (call.kind === 'step_back') continue
        other.rig.restart()
        model.run(call)
        other.run(call)
        expect(stateOf(other.rig, limits, model.nowMs)).toEqual(stateOf(model.rig, limits, model.nowMs))
        expect<AdmissionReply | null>(other.lastReply).toEqual(model.lastReply)
      }
    })
  })
})

function stateOf({ book }: BookRig, limits: Limits, nowMs: number): unknown {
  const rows = book.rows('0000-00-00', '9999-12-31')
  return [book.status(limits, nowMs), book.nextDueMs(), book.revision, rows, book.duePending(nowMs)]
}
