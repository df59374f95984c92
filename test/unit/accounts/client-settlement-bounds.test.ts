import { describe, expect, it } from 'vitest'
import {
  BATCH_ENTRIES_MAX,
  BATCH_SPACING_MS,
  RETRY_PAUSE_MAX_MS,
  STALLED_MS,
  WAITING_MAX,
} from '../../../src/accounts/settlement-queue.ts'
import { FLUSHERS_MAX, QUEUES_MAX, WAITING_TOTAL_MAX } from '../../../src/accounts/settlement-sender.ts'
import { settleMicrotasks } from '../../support/virtual-clock.ts'
import { ClientRig, DOWN, HANGING, KEY, WELL } from './client-rig.ts'

// Thousands of keys take a slow machine some time.
describe('the bounds of settlements', { timeout: 60_000 }, () => {
  it('limit the entries of a batch', async () => {
    const rig = new ClientRig()
    rig.book()
    await settleMicrotasks()
    for (let count = 0; count < BATCH_ENTRIES_MAX + 1; count++) rig.book()
    await rig.clock.advance(2 * BATCH_SPACING_MS)
    expect(rig.account().calls.map(({ batch }) => batch.entries.length)).toEqual([1, BATCH_ENTRIES_MAX, 1])
  })

  it('limit the entries that wait for a key: the oldest are kept, and the log has one line', async () => {
    const rig = new ClientRig()
    rig.account().fate = DOWN
    const ids = Array.from({ length: WAITING_MAX }, () => rig.book())
    expect(rig.troubles).toEqual([])
    for (let count = 0; count < 10; count++) rig.book()
    await settleMicrotasks()
    expect(rig.client.waiting).toBe(WAITING_MAX)
    expect(rig.troubles).toEqual([`settlements_dropped ${KEY}`, `settle ${KEY}`])
    rig.account().fate = WELL
    await rig.clock.advance(20_000)
    expect([...rig.account().counted.keys()]).toEqual(ids)
    expect(rig.client.waiting).toBe(0)
  })

  it('limit the entries that wait for all keys', () => {
    const rig = new ClientRig()
    for (let at = 0; at < WAITING_TOTAL_MAX; at++) {
      const keyId = `key${at % 8}`
      rig.account(keyId).fate = HANGING
      rig.book(keyId)
    }
    rig.book()
    expect(rig.client.waiting).toBe(WAITING_TOTAL_MAX)
    expect(rig.troubles).toEqual([`settlements_dropped ${KEY}`])
    expect(rig.background).toHaveLength(8 * FLUSHERS_MAX + 1)
  })

  it('limit the keys: an evicted key returns as another writer', async () => {
    const rig = new ClientRig()
    rig.book()
    await settleMicrotasks()
    for (let at = 0; at < QUEUES_MAX; at++) {
      rig.book(`key${at}`)
      await settleMicrotasks()
    }
    expect(rig.client.size).toBe(QUEUES_MAX)
    await rig.clock.advance(1_000)
    rig.book()
    await settleMicrotasks()
    const [first, again] = rig.account().calls.map(({ batch }) => batch)
    expect([first?.writerId, first?.number]).toEqual(['writer1', 1])
    expect([again?.writerId, again?.number]).toEqual([`writer${QUEUES_MAX + 2}`, 1])
    expect(rig.account().counted.size).toBe(2)
  })

  it('evict no key with unsent settlements before others', async () => {
    const rig = new ClientRig()
    rig.account().fate = DOWN
    rig.book()
    await rig.clock.advance(40_000)
    for (let at = 0; at < QUEUES_MAX + 5; at++) {
      rig.book(`key${at}`)
      await settleMicrotasks()
    }
    expect(rig.client.size).toBe(QUEUES_MAX)
    rig.account().fate = WELL
    await rig.clock.advance(RETRY_PAUSE_MAX_MS + STALLED_MS)
    rig.book('key1')
    await settleMicrotasks()
    expect(rig.account().counted.size).toBe(1)
    expect(rig.troubles).toEqual([`settle ${KEY}`])
  })

  it('evict the key that failed longest ago if all have unsent settlements, and log it', async () => {
    const rig = new ClientRig()
    for (let at = 0; at <= QUEUES_MAX; at++) {
      rig.account(`key${at}`).fate = { ...WELL, delayMs: 100 }
      rig.book(`key${at}`)
    }
    expect(rig.client.size).toBe(QUEUES_MAX)
    expect(rig.client.waiting).toBe(QUEUES_MAX)
    expect(rig.troubles).toEqual(['settlements_dropped key0'])
    // What is under way still arrives, and is not counted as waiting a second time.
    for (let at = 0; at < 2; at++) await rig.clock.advance(100)
    expect([rig.account('key0').counted.size, rig.client.waiting]).toEqual([1, 0])
  })
})
