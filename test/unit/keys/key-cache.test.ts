import { describe, expect, it } from 'vitest'
import { KeyCache } from '../../../src/keys/key-cache.ts'

const options = { entriesMax: 3, freshMs: 30, absentMs: 60 }

describe('the key cache', () => {
  it('holds a record for freshMs, and an absence for absentMs', () => {
    const cache = new KeyCache<string>(options)
    cache.set('a', 'A', 1000)
    cache.set('b', null, 1000)
    expect(cache.get('a', 1029)).toEqual({ value: 'A', readAtMs: 1000, fresh: true })
    expect(cache.get('a', 1030)?.fresh).toBe(false)
    expect(cache.get('b', 1059)?.fresh).toBe(true)
    expect(cache.get('b', 1060)?.fresh).toBe(false)
    expect(cache.get('c', 1000)).toBeUndefined()
  })

  it('never exceeds its bound, and evicts the least recently used record', () => {
    const cache = new KeyCache<string>(options)
    for (const id of ['a', 'b', 'c']) cache.set(id, id, 0)
    cache.get('a', 0)
    cache.set('d', 'd', 0)
    expect(cache.size).toBe(3)
    expect(['a', 'b', 'c', 'd'].filter((id) => cache.get(id, 0) !== undefined)).toEqual(['a', 'c', 'd'])
  })

  it('postpones the expiry of a stale record, and remembers when it was read', () => {
    const cache = new KeyCache<string>(options)
    cache.set('a', 'A', 0)
    cache.postpone('a', 500)
    expect(cache.get('a', 499)).toEqual({ value: 'A', readAtMs: 0, fresh: true })
    expect(cache.get('a', 500)?.fresh).toBe(false)
  })

  it('never goes back to a smaller version, of a record or of its absence', () => {
    const cache = new KeyCache<string>(options)
    expect(cache.set('a', 'new', 0, 5)).toBe('new')
    expect([cache.set('a', 'old', 100, 4), cache.set('a', null, 100, 0)]).toEqual(['new', 'new'])
    expect(cache.get('a', 129)).toEqual({ value: 'new', readAtMs: 100, fresh: true })
    expect([cache.set('a', null, 200, 6), cache.set('a', 'new', 200, 5)]).toEqual([null, null])
  })
})
