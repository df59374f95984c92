import { describe, expect, it } from 'vitest'
import { KvDouble, METADATA_BYTES_MAX } from '../../support/kv-double.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

function setUp(options: Partial<ConstructorParameters<typeof KvDouble>[0]> = {}): {
  clock: VirtualClock
  kv: KvDouble
} {
  const clock = new VirtualClock()
  return { clock, kv: new KvDouble({ clock, ...options }) }
}

describe('the KV double', () => {
  it('shows a change at once in its own location, and late in others, also a new key and a deleted key', async () => {
    const { clock, kv } = setUp({ visibilityDelayMs: 60_000 })
    await kv.at('a').put('name', 'one')
    expect([await kv.at('a').get('name'), await kv.at('b').get('name')]).toEqual(['one', null])
    await clock.advance(60_000)
    expect(await kv.at('b').get('name')).toBe('one')
    await kv.at('b').delete('name')
    expect([await kv.at('a').get('name'), await kv.at('b').get('name')]).toEqual(['one', null])
    await clock.advance(60_000)
    expect(await kv.at('a').list()).toMatchObject({ keys: [], list_complete: true })
  })

  it('refuses a second write to a key within a second, from any location', async () => {
    const { clock, kv } = setUp()
    await kv.at('a').put('name', '1')
    await clock.advance(999)
    await expect(kv.at('b').put('name', '2')).rejects.toThrow('429')
    await kv.at('b').put('other', '2')
    await clock.advance(1)
    await kv.at('b').put('name', '3')
    expect(kv.tooManyWrites).toBe(1)
  })

  it('expires a value after its TTL, and refuses a short TTL and large metadata', async () => {
    const { clock, kv } = setUp()
    const a = kv.at('a')
    await a.put('name', '', { expirationTtl: 60, metadata: { n: 1 } })
    expect(await a.getWithMetadata('name')).toMatchObject({ value: '', metadata: { n: 1 } })
    await clock.advance(60_000)
    expect(await a.get('name')).toBeNull()
    await expect(a.put('b', '', { expirationTtl: 59 })).rejects.toThrow('expiration_ttl')
    await expect(a.put('c', '', { metadata: 'x'.repeat(METADATA_BYTES_MAX) })).rejects.toThrow('Metadata')
  })

  it('lists in pages, by prefix', async () => {
    const a = setUp().kv.at('a')
    for (const name of ['x:3', 'x:1', 'y:1', 'x:2']) await a.put(name, 'text', { metadata: [name] })
    const first = await a.list({ prefix: 'x:', limit: 2 })
    expect(first).toMatchObject({
      keys: [{ name: 'x:1', metadata: ['x:1'] }, { name: 'x:2' }],
      list_complete: false,
    })
    const cursor = first.list_complete ? null : first.cursor
    expect(await a.list({ prefix: 'x:', limit: 2, cursor })).toMatchObject({
      keys: [{ name: 'x:3' }],
      list_complete: true,
    })
  })

  it('fails, takes time, hangs, and spends its quota as configured', async () => {
    const { clock, kv } = setUp({ latencyMs: () => 300, dailyQuota: { put: 2 } })
    const a = kv.at('a')
    kv.hanging.add('list')
    let listed = false
    void a.list().then(() => (listed = true))
    let got: unknown = 'nothing yet'
    void a.get('name', 'json').then((value) => (got = value))
    await clock.advance(299)
    expect(got).toBe('nothing yet')
    await clock.advance(2)
    expect([got, listed]).toEqual([null, false])
    kv.failureRates.get = 1
    await expect(Promise.all([a.get('name'), clock.advance(300)])).rejects.toThrow('500')
    await Promise.all([a.put('1', ''), a.put('2', ''), clock.advance(300)])
    await expect(Promise.all([a.put('3', ''), clock.advance(300)])).rejects.toThrow('daily limit')
    await clock.advance(86_400_000)
    await Promise.all([a.put('3', ''), clock.advance(300)])
    expect(kv.counts).toEqual({ get: 2, list: 1, put: 4, delete: 0 })
  })
})
