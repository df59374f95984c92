import { describe, expect, it } from 'vitest'
import { BATCH_SPACING_MS, SETTLE_TIMEOUT_MS } from '../../../src/accounts/settlement-queue.ts'
import { FLUSHERS_MAX, FLUSH_WINDOW_MS } from '../../../src/accounts/settlement-sender.ts'
import { settleMicrotasks } from '../../support/virtual-clock.ts'
import { ClientRig, DOWN, HANGING, KEY, REPLY_LOST, WELL } from './client-rig.ts'

describe('settlements', () => {
  it('go out at once, then four times a second, and none of a burst is lost', async () => {
    const rig = new ClientRig()
    for (let count = 0; count < 400; count++) {
      rig.book()
      await rig.clock.advance(5)
    }
    await rig.clock.advance(BATCH_SPACING_MS)
    expect(rig.account().timesMs).toEqual([0, 250, 500, 750, 1_000, 1_250, 1_500, 1_750, 2_000])
    expect(rig.account().counted.size).toBe(400)
    expect(rig.client.waiting).toBe(0)
  })

  it('of admitted requests wait for no batch, and take along what waits', async () => {
    const rig = new ClientRig()
    rig.book()
    await rig.clock.advance(10)
    rig.book()
    rig.book()
    await rig.clock.advance(10)
    rig.book(KEY, { atOnce: true })
    await rig.clock.advance(1)
    rig.book(KEY, { atOnce: true })
    await settleMicrotasks()
    expect(rig.account().calls.map(({ batch }) => batch.entries.length)).toEqual([1, 3, 1])
    expect(rig.account().timesMs).toEqual([0, 20, 21])
  })

  it('of admitted requests go out at once, however many there are in a second', async () => {
    const rig = new ClientRig()
    for (let count = 0; count < 50; count++) {
      rig.book(KEY, { atOnce: true })
      await rig.clock.advance(10)
      expect(rig.account().counted.size).toBe(count + 1)
    }
  })

  it('of admitted requests that come during a call go out when it ends', async () => {
    const rig = new ClientRig()
    rig.account().fate = { ...WELL, delayMs: 100 }
    rig.book(KEY, { atOnce: true })
    for (let count = 0; count < 20; count++) {
      await rig.clock.advance(1)
      rig.book(KEY, { atOnce: true })
    }
    await rig.clock.advance(100)
    expect(rig.account().timesMs).toEqual([0, 100])
    expect(rig.account().underWayMax).toBe(1)
    await rig.clock.advance(100)
    expect(rig.account().counted.size).toBe(21)
  })

  it('of admitted requests go out when the call ends, in the next second too', async () => {
    const rig = new ClientRig()
    rig.account().fate = { ...WELL, delayMs: 1_030 }
    rig.book(KEY, { atOnce: true })
    await rig.clock.advance(FLUSH_WINDOW_MS)
    rig.book(KEY, { atOnce: true })
    await rig.clock.advance(40)
    expect(rig.account().timesMs).toEqual([0, 1_030])
  })

  it('that got no answer are sent again unchanged, and counted once', async () => {
    const rig = new ClientRig()
    rig.account().fate = REPLY_LOST
    const first = rig.book()
    await settleMicrotasks()
    const second = rig.book()
    rig.account().fate = WELL
    await rig.clock.advance(2_000)
    const sent = rig
      .account()
      .calls.map(({ batch }) => [
        batch.writerId,
        batch.number,
        batch.entries.map(({ requestId }) => requestId),
      ])
    expect(sent).toEqual([
      ['writer1', 1, [first]],
      ['writer1', 1, [first]],
      ['writer1', 2, [second]],
    ])
    expect([...rig.account().counted.values()]).toEqual([1, 1])
  })

  it('are retried with a doubling pause for 28 s, and the trouble is logged once', async () => {
    const rig = new ClientRig()
    rig.account().fate = DOWN
    rig.book()
    await rig.clock.advance(60_000)
    expect(await rig.idle()).toBe(1)
    expect(rig.account().timesMs).toEqual([0, 500, 1_500, 3_500, 7_500, 15_500, 23_500])
    expect(rig.troubles).toEqual([`settle ${KEY}`])
    rig.book()
    await rig.clock.advance(10_000)
    expect(rig.troubles).toEqual([`settle ${KEY}`])
  })

  it('that meet an account which throws at once are retried like others', async () => {
    let isBroken = true
    const rig: ClientRig = new ClientRig({
      accountOf(keyId) {
        if (isBroken) throw new Error('no such binding')
        return rig.account(keyId)
      },
    })
    rig.book()
    isBroken = false
    await rig.clock.advance(500)
    expect(rig.account().counted.size).toBe(1)
  })

  it('are sent again when a call hangs for five seconds', async () => {
    const rig = new ClientRig()
    rig.account().fate = HANGING
    rig.book()
    await rig.clock.advance(SETTLE_TIMEOUT_MS - 1)
    rig.account().fate = WELL
    await rig.clock.advance(501)
    expect(rig.account().timesMs).toEqual([0, 5_500])
    expect(rig.account().counted.size).toBe(1)
  })

  it('that could not be sent go with the key’s next request, and with any other key’s', async () => {
    const rig = new ClientRig()
    for (const keyId of [KEY, 'otherotherot']) {
      rig.account().fate = DOWN
      rig.book()
      await rig.clock.advance(40_000)
      rig.account().fate = WELL
      const before = rig.account().counted.size
      rig.book(keyId)
      await rig.clock.advance(BATCH_SPACING_MS)
      expect(rig.account().counted.size).toBe(before + (keyId === KEY ? 2 : 1))
    }
    expect(await rig.idle()).toBe(5)
  })

  it('that a flusher sends delay no request of another key', async () => {
    const rig = new ClientRig()
    rig.account().fate = HANGING
    rig.book()
    await settleMicrotasks()
    for (let count = 0; count < 3; count++) rig.book('otherotherot')
    expect(rig.background).toHaveLength(4)
  })

  it('of many keys go along one by one, past keys whose account still fails', async () => {
    const rig = new ClientRig()
    const keys = ['key1', 'key2', 'key3']
    for (const key of keys) {
      rig.account(key).fate = DOWN
      rig.book(key)
    }
    await rig.clock.advance(40_000)
    rig.account('key2').fate = rig.account('key3').fate = WELL
    for (let count = 0; count < 5; count++) {
      rig.book()
      await rig.clock.advance(1)
    }
    expect(keys.map((key) => rig.account(key).counted.size)).toEqual([0, 1, 1])
  })

  it('wait for no other request: the end of one in the middle of its call keeps none back', async () => {
    const rig = new ClientRig()
    rig.account().fate = HANGING
    rig.isEnded = true
    rig.book()
    await settleMicrotasks()
    rig.isEnded = false
    rig.account().fate = WELL
    rig.book()
    await rig.clock.advance(SETTLE_TIMEOUT_MS + BATCH_SPACING_MS)
    expect(rig.account().counted.size).toBe(2)
    expect(rig.account().underWayMax).toBe(1)
  })

  it('hold few requests of a burst back, and survive where all of these but one are ended', async () => {
    let waiting = 0
    const rig: ClientRig = new ClientRig({
      sleep(ms) {
        waiting += 1
        return waiting < FLUSHERS_MAX - 1 ? new Promise(() => undefined) : rig.clock.sleep(ms)
      },
    })
    rig.book()
    await settleMicrotasks()
    for (let count = 0; count < 100; count++) rig.book()
    expect(waiting).toBe(FLUSHERS_MAX - 1)
    expect(rig.background).toHaveLength(FLUSHERS_MAX)
    await rig.clock.advance(BATCH_SPACING_MS)
    expect(rig.account().counted.size).toBe(101)
  })

  it('begin at most four flushers a second, and the last one stays for what is added later in it', async () => {
    const rig = new ClientRig()
    for (let second = 0; second < 3; second++) {
      for (let count = 0; count < 9; count++) {
        rig.book()
        await rig.clock.advance(100)
      }
      await rig.clock.advance(100)
      expect(rig.background).toHaveLength((second + 1) * FLUSHERS_MAX)
    }
    await rig.clock.advance(BATCH_SPACING_MS)
    expect(rig.account().counted.size).toBe(27)
    expect(await rig.idle()).toBe(3 * FLUSHERS_MAX)
  })

  it('of an outage’s last second are retried as long as those of its first', async () => {
    const rig = new ClientRig()
    rig.account().fate = DOWN
    for (let second = 0; second <= 27; second++) {
      for (let count = 0; count < 10; count++) rig.book()
      await rig.clock.advance(1_000)
    }
    await rig.clock.advance(10_000)
    rig.account().fate = WELL
    await rig.clock.advance(10_000)
    expect(rig.account().counted.size).toBe(280)
  })

  it('go on when the clock steps back', async () => {
    const rig = new ClientRig()
    for (let count = 0; count < FLUSHERS_MAX; count++) rig.book()
    await rig.clock.advance(BATCH_SPACING_MS)
    rig.clock.nowMs -= 3_600_000
    rig.book()
    await rig.clock.advance(BATCH_SPACING_MS)
    expect(rig.account().counted.size).toBe(FLUSHERS_MAX + 1)
  })
})
