import { describe, expect, it } from 'vitest'
import { createShardStore, PAGES_MAX, SHARD_TTL_SECONDS } from '../../../src/limits/shard-store.ts'
import type { ShardKv } from '../../../src/limits/shard-store.ts'
import type { Shard } from '../../../src/limits/shard.ts'
import { KvDouble } from '../../support/kv-double.ts'
import type { KvLocation } from '../../support/kv-double.ts'
import { asKVNamespace } from '../../support/kv-namespace.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const SHARD: Shard = {
  isolateId: 'abc.1',
  seq: 7,
  timeMs: Date.UTC(2026, 0, 1),
  renewWithinSeconds: 10,
  requests: { admitted: 3, offered: 4 },
  tokens: { admitted: 500, offered: 900 },
}

function setUp(): { clock: VirtualClock; kv: KvLocation } {
  const clock = new VirtualClock()
  return { clock, kv: new KvDouble({ clock }).at('here') }
}

describe('the shard store in KV', () => {
  it('lists shards as they were published, with an empty value, until they expire', async () => {
    const { clock, kv } = setUp()
    const store = createShardStore(asKVNamespace(kv))
    await store.publish('key', SHARD)
    await store.publish('key2', { ...SHARD, isolateId: 'other.1' })
    expect(await store.list('key')).toEqual([SHARD])
    expect(await kv.get('rate:key:abc.1')).toBe('')
    await clock.advance(SHARD_TTL_SECONDS * 1_000)
    expect(await store.list('key')).toEqual([])
  })

  it.each([
    ['absent', undefined],
    ['of another version', [2, 7, 1, 10, 3, 4, 5, 6]],
    ['too short', [1, 7, 1, 10, 3]],
    ['of strings', [1, '7', 1, 10, 3, 4, 5, 6]],
    ['negative', [1, 7, 1, 10, -3, 4, 5, 6]],
    ['with a null', [1, 7, 1, 10, null, 4, 5, 6]],
    ['an object', { seq: 7 }],
  ])('ignores metadata that is %s', async (_, metadata) => {
    const { kv } = setUp()
    const store = createShardStore(kv)
    await store.publish('key', SHARD)
    await kv.put('rate:key:bad.1', '', { metadata })
    expect(await store.list('key')).toEqual([SHARD])
  })

  it('reads a bounded number of pages', async () => {
    let pages = 0
    const endless: ShardKv = {
      put: () => Promise.resolve(),
      list: () => Promise.resolve({ keys: [], list_complete: false, cursor: String(++pages) }),
    }
    expect(await createShardStore(endless).list('key')).toEqual([])
    expect(pages).toBe(PAGES_MAX)
  })

  it('rejects when KV rejects, so that the caller can back off', async () => {
    const clock = new VirtualClock()
    const kv = new KvDouble({ clock })
    kv.failureRates.put = 1
    kv.failureRates.list = 1
    const store = createShardStore(kv.at('here'))
    await expect(store.publish('key', SHARD)).rejects.toThrow('500')
    await expect(store.list('key')).rejects.toThrow('500')
  })
})
