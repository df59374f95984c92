import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutToTokens, messageTokens, textTokens } from '../../../../src/local/model/tokens.ts'

describe('tokens', () => {
  it('are one for four characters, and three more for a message', () => {
    expect(textTokens('')).toBe(0)
    expect(textTokens('four')).toBe(1)
    expect(textTokens('fours')).toBe(2)
    expect(messageTokens('What are the three laws of thermodynamics?')).toBe(14)
  })

  it('limit a text without splitting a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.nat(20), (text, max) => {
        const cut = cutToTokens(text, max)
        expect(textTokens(cut)).toBeLessThanOrEqual(max)
        expect(text.startsWith(cut)).toBe(true)
        expect(cut.isWellFormed()).toBe(true)
      }),
    )
  })
})
