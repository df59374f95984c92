import { describe, expect, it } from 'vitest'
import { SETTLE_TIMEOUT_MS, SettlementQueue } from '../../../src/accounts/settlement-queue.ts'
import { entryOf, KEY } from './client-rig.ts'

describe('a queue of settlements', () => {
  it('ignores the result of a call that another call has replaced', () => {
    const queue = new SettlementQueue(KEY, 'writer')
    queue.add(entryOf('req_1', 0), false)
    const first = queue.begin(0)
    expect(queue.waitMs(0)).toBe(SETTLE_TIMEOUT_MS)
    const again = queue.begin(SETTLE_TIMEOUT_MS)
    expect(again.batch).toBe(first.batch)
    expect([queue.succeed(first.attempt), queue.fail(first.attempt, SETTLE_TIMEOUT_MS)]).toEqual([0, 0])
    expect(queue.waitMs(SETTLE_TIMEOUT_MS)).toBe(SETTLE_TIMEOUT_MS)
    expect([queue.succeed(again.attempt), queue.succeed(again.attempt)]).toEqual([1, 0])
    expect([queue.unconfirmed, queue.waitMs(0)]).toEqual([0, Infinity])
  })
})
