import { describe, expect, it } from 'vitest'
import { DELAY_MAX_MS, FADE_MS, PEERS_MAX, PeerViews } from '../../../src/limits/peer-views.ts'
import type { Shard } from '../../../src/limits/shard.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const ZERO_COUNTS = { admitted: 0, offered: 0 }

function shard(change: Partial<Shard> = {}): Shard {
  const requests = { admitted: 30, offered: 60 }
  return {
    isolateId: 'peer',
    seq: 1,
    timeMs: NOW_MS,
    renewWithinSeconds: 10,
    requests,
    tokens: ZERO_COUNTS,
    ...change,
  }
}

function offeredAt(views: PeerViews, nowMs: number): number {
  views.roll(nowMs)
  return views.sums('requests').offered
}

describe('the views of peers', () => {
  it('decrease a peer’s admissions to 0 over the minute after their count', () => {
    const views = new PeerViews()
    views.merge([shard()], 'own', NOW_MS)
    const admitted = [0, 20_000, 40_000, 60_000, 80_000].map((ageMs) => {
      views.roll(NOW_MS + ageMs)
      return views.sums('requests').admitted
    })
    expect(admitted.map(Math.round)).toEqual([30, 20, 10, 0, 0])
    expect(views.sums('requests').emptyAtMs).toBe(0)
  })

  it('keep a peer’s demand until its renewal is late, then fade it to 0', () => {
    const views = new PeerViews()
    views.merge([shard()], 'own', NOW_MS)
    const lateFromMs = NOW_MS + 10_000 + DELAY_MAX_MS
    expect(offeredAt(views, lateFromMs)).toBe(60)
    expect(offeredAt(views, lateFromMs + FADE_MS / 2)).toBeCloseTo(30)
    expect(offeredAt(views, lateFromMs + FADE_MS)).toBe(0)
  })

  it('treat a renewal as late after the measured delay', () => {
    const views = new PeerViews()
    for (let seq = 1; seq <= 5; seq++) {
      const nowMs = NOW_MS + seq * 12_000
      views.merge([shard({ seq, timeMs: nowMs - 3_000 })], 'own', nowMs)
    }
    const lateFromMs = NOW_MS + 5 * 12_000 + 10_000 + 2_000
    expect(offeredAt(views, lateFromMs)).toBe(60)
    expect(offeredAt(views, lateFromMs + FADE_MS / 2)).toBeCloseTo(30)
  })

  it.each([-10_000, 10_000])('keep a peer’s demand if its clock is %i ms off', (skewMs) => {
    const views = new PeerViews()
    for (let seq = 1; seq <= 20; seq++) {
      const nowMs = NOW_MS + seq * 10_000
      views.merge([shard({ seq, timeMs: nowMs - 60_000 + skewMs })], 'own', nowMs)
      expect(offeredAt(views, nowMs + 9_000)).toBe(60)
    }
  })

  it('fade a peer whose clock is a day ahead', () => {
    const views = new PeerViews()
    views.merge([shard({ timeMs: NOW_MS + 86_400_000 })], 'own', NOW_MS)
    expect(offeredAt(views, NOW_MS + 10_000 + DELAY_MAX_MS + FADE_MS)).toBe(0)
  })

  it('ignore their own isolate’s shard, a known shard and an older shard', () => {
    const views = new PeerViews()
    expect(views.merge([shard({ isolateId: 'own' })], 'own', NOW_MS)).toBe(Infinity)
    expect(views.merge([shard({ seq: 2 })], 'own', NOW_MS + 500)).toBe(500)
    expect(views.merge([shard({ seq: 2 }), shard({ seq: 1 })], 'own', NOW_MS)).toBe(Infinity)
    expect(offeredAt(views, NOW_MS)).toBe(60)
  })

  it('remember a bounded number of peers', () => {
    const views = new PeerViews()
    const shards = Array.from({ length: PEERS_MAX + 5 }, (_, index) => shard({ isolateId: `peer${index}` }))
    views.merge(shards, 'own', NOW_MS)
    expect(offeredAt(views, NOW_MS)).toBe(PEERS_MAX * 60)
  })

  it('end the counts of a peer with its sample, and count its samples instead', () => {
    const views = new PeerViews()
    const quiet = { renewWithinSeconds: 0, requests: { admitted: 0, offered: 12 } }
    views.merge([shard()], 'own', NOW_MS)
    views.merge([shard({ ...quiet, seq: 2, timeMs: NOW_MS + 20_000 })], 'own', NOW_MS + 20_000)
    // A first sample counts for 30 s: 12 requests in 30 s.
    expect(offeredAt(views, NOW_MS + 20_000)).toBe(24)
    expect(views.sums('requests').admitted).toBe(0)
    // The older counts are listed again: KV's locations differ.
    views.merge([shard()], 'own', NOW_MS + 20_000)
    expect(offeredAt(views, NOW_MS + 20_000)).toBe(24)
  })

  it('ignore an older sample of a peer that publishes counts again', () => {
    const views = new PeerViews()
    views.merge([shard({ seq: 2 })], 'own', NOW_MS)
    views.merge([shard({ seq: 1, renewWithinSeconds: 0 })], 'own', NOW_MS)
    expect(offeredAt(views, NOW_MS)).toBe(60)
  })
})
