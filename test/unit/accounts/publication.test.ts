import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  afterAttempt,
  type Attempt,
  CONFIRM_MS,
  dueAtMs,
  NOT_PUBLISHED,
  RETRY_MS_MAX,
  SPACING_MS,
  type PublishState,
} from '../../../src/accounts/publication.ts'

const START_MS = Date.UTC(2026, 0, 1)

function attemptPublish(
  state: PublishState,
  version: number,
  atMs: number,
  outcome: Attempt['outcome'],
): PublishState {
  return afterAttempt(state, { version, atMs, outcome })
}

describe('a target', () => {
  it('is due at once, and not again once it has acknowledged', () => {
    expect(dueAtMs('kv', NOT_PUBLISHED, 1, START_MS)).toBeLessThanOrEqual(START_MS)
    const state = attemptPublish(NOT_PUBLISHED, 1, START_MS, 'done')
    expect(dueAtMs('kv', state, 1, START_MS + 1)).toBeNull()
  })

  it('gets the next version a second later in KV, and at once in the directory', () => {
    const state = attemptPublish(NOT_PUBLISHED, 1, START_MS, 'done')
    expect(dueAtMs('kv', state, 2, START_MS)).toBe(START_MS + SPACING_MS.kv)
    expect(dueAtMs('directory', state, 2, START_MS)).toBe(START_MS)
  })

  it('that fails is due after 1 s, doubling to 5 min, without end', () => {
    const waits: number[] = []
    let state = NOT_PUBLISHED
    for (let attempt = 0; attempt < 2_000; attempt += 1) {
      state = attemptPublish(state, 1, START_MS, 'failed')
      waits.push((dueAtMs('kv', state, 1, START_MS) ?? Infinity) - START_MS)
    }
    expect(waits.slice(0, 10)).toEqual(
      [1, 2, 4, 8, 16, 32, 64, 128, 256, 300].map((seconds) => seconds * 1_000),
    )
    expect(waits.at(-1)).toBe(RETRY_MS_MAX)
  })

  it('gets a new version without the wait of the one that failed', () => {
    let state = NOT_PUBLISHED
    for (let attempt = 0; attempt < 9; attempt += 1) state = attemptPublish(state, 1, START_MS, 'failed')
    expect(dueAtMs('kv', state, 2, START_MS)).toBe(START_MS + SPACING_MS.kv)
  })

  it('that did not answer in time gets the version again after a minute, since a late put may undo the one after it', () => {
    const hung = attemptPublish(NOT_PUBLISHED, 1, START_MS, 'timed_out')
    const state = attemptPublish(hung, 2, START_MS + 1_000, 'done')
    expect(dueAtMs('kv', state, 2, START_MS + 1_000)).toBe(START_MS + CONFIRM_MS)
    expect(
      dueAtMs('kv', attemptPublish(state, 2, START_MS + CONFIRM_MS, 'done'), 2, START_MS + CONFIRM_MS),
    ).toBeNull()
  })

  it('is not postponed by a clock that was set back', () => {
    const state = attemptPublish(NOT_PUBLISHED, 1, START_MS + 86_400_000, 'failed')
    expect(dueAtMs('kv', state, 1, START_MS)).toBe(START_MS + 1_000)
  })

  it('has the newest version in the end, and KV no two puts within a second, whatever fails in between', () => {
    const outcome = fc.constantFrom('done', 'failed', 'timed_out')
    const step = fc.record({ changes: fc.nat(3), lateMs: fc.nat(5_000), outcome })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let [state, version, nowMs, lastMs] = [NOT_PUBLISHED, 1, START_MS, -Infinity]
        const ends = [
          ...steps,
          ...Array.from({ length: 3 }, () => ({ changes: 0, lateMs: 0, outcome: 'done' as const })),
        ]
        for (const { changes, lateMs, outcome: how } of ends) {
          version += changes
          const dueMs = dueAtMs('kv', state, version, nowMs)
          if (dueMs === null) continue
          nowMs = Math.max(nowMs, dueMs) + lateMs
          expect(nowMs - lastMs).toBeGreaterThanOrEqual(SPACING_MS.kv)
          lastMs = nowMs
          state = attemptPublish(state, version, nowMs, how)
        }
        expect([state.version, dueAtMs('kv', state, version, nowMs)]).toEqual([version, null])
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})
