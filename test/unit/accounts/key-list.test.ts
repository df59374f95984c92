import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CURSOR_LENGTH_MAX } from '../../../src/accounts/cursor.ts'
import { cursorOf, foldedName, parseCursor } from '../../../src/accounts/key-list.ts'

describe('a cursor', () => {
  it('leads back to its position, whatever the name, and is short enough', () => {
    const name = fc.string({ unit: 'binary', maxLength: 100 }).map((text) => foldedName(text).toWellFormed())
    fc.assert(
      fc.property(name, (value) => {
        const text = cursorOf({ value, id: 'abcdefghijkl' }, 'name')
        expect(text.length).toBeLessThan(CURSOR_LENGTH_MAX)
        expect(text).toMatch(/^[\w=-]+$/)
        expect(parseCursor(text, 'name')).toEqual({ value, id: 'abcdefghijkl' })
        expect(parseCursor(text, 'created')).toBeNull()
      }),
      { seed: 1, numRuns: 500 },
    )
  })

  it('that no page returned is invalid', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.json().map(btoaOf)), (text) => {
        expect(parseCursor(text, 'created')).toBeNull()
      }),
      { seed: 1, numRuns: 1_000 },
    )
  })
})

function btoaOf(text: string): string {
  return new TextEncoder().encode(text).toBase64({ alphabet: 'base64url' })
}
