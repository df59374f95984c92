import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BATCH_SPACING_MS,
  RETRY_PAUSE_MAX_MS,
  SETTLE_TIMEOUT_MS,
} from '../../../src/accounts/settlement-queue.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { ClientRig, type Fate, KEY, WELL } from './client-rig.ts'

describe('settlements under any faults', () => {
  const gaps = fc.array(fc.tuple(fc.nat(2_000), fc.boolean()), { minLength: 1, maxLength: 60 })

  it('are counted once each and none is lost, one call at a time, at most four batches a second', async () => {
    await fc.assert(
      fc.asyncProperty(
        gaps,
        fc.constantFrom(0, 0.3, 0.7, 1),
        fc.boolean(),
        fc.nat(),
        async (steps, failing, isMixed, seed) => {
          const random = seededRandom(seed)
          let failingNow = failing
          const rig = new ClientRig({ nextFate: () => anyFate(random, failingNow) })
          const ids: string[] = []
          for (const [gapMs, atOnce] of steps) {
            ids.push(rig.book(KEY, { atOnce: isMixed && atOnce }))
            // Now and then the runtime ends what is sleeping or calling.
            rig.isEnded = random() < failingNow / 4
            await rig.clock.advance(gapMs)
            rig.isEnded = false
          }
          failingNow = 0
          await rig.clock.advance(RETRY_PAUSE_MAX_MS + SETTLE_TIMEOUT_MS)
          ids.push(rig.book())
          await rig.clock.advance(2 * BATCH_SPACING_MS + 100)
          const account = rig.account()
          expect([...account.counted.keys()].toSorted()).toEqual(ids.toSorted())
          expect(new Set(account.counted.values())).toEqual(new Set([1]))
          expect(rig.client.waiting).toBe(0)
          expect(account.underWayMax).toBe(1)
          const times = account.timesMs
          if (isMixed) return
          for (const [at, timeMs] of times.entries()) {
            expect(timeMs - (times[at - 1] ?? -Infinity)).toBeGreaterThanOrEqual(BATCH_SPACING_MS)
          }
        },
      ),
      { numRuns: 150 },
    )
  })
})

/** A failing call is lost on its way, or its answer is, or it hangs, or its answer comes after the time-out. */
function anyFate(random: () => number, failing: number): Fate {
  if (random() >= failing) return { ...WELL, delayMs: random() * 100 }
  const isApplied = random() < 0.5
  const kind = random()
  if (kind < 0.4) return { isApplied, answer: 'lost', delayMs: random() * 4_000 }
  if (kind < 0.7) return { isApplied, answer: 'never', delayMs: 0 }
  return { isApplied: true, answer: 'comes', delayMs: random() * 20_000 }
}
