import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  OTHER_TAG,
  otherTags,
  parseTags,
  readTags,
  TAG_CHARACTERS_MAX,
  tagsText,
} from '../../../src/accounts/tags.ts'

const NAMES = ['team', 'project', 'constructor']

describe('the tags of a request', () => {
  it('are the configured names of its metadata, and nothing where it has none of them', () => {
    expect(readTags({ team: 'search', other: 'x' }, NAMES)).toEqual({ team: 'search' })
    for (const metadata of [undefined, null, {}, { other: 'x' }, 'team', ['team'], 5, { team: 5 }])
      expect(readTags(metadata, NAMES)).toBeUndefined()
    expect(readTags({ team: 'search' }, [])).toBeUndefined()
  })

  it.each([
    ['of spaces and control characters are none', ' \u0000\r\n\t ', undefined],
    ['lose control characters and line separators', ' a\u0000b\r\nc\u2028d\u0085 ', 'abcd'],
    ['lose marks that turn the direction of text', 'a\u202eb\u2066c', 'abc'],
    ['keep letters of any language, and joined emoji', 'zoë 表 👩‍💻', 'zoë 表 👩‍💻'],
    ['have a replacement for half a character', 'a\ud800b', 'a\ufffdb'],
    ['are cut', 'x'.repeat(99), 'x'.repeat(TAG_CHARACTERS_MAX)],
    ['are cut, but never within a character', '😀'.repeat(99), '😀'.repeat(TAG_CHARACTERS_MAX)],
  ])('%s', (_name, value, shown) => {
    expect(readTags({ team: value }, NAMES)?.['team']).toBe(shown)
  })

  it('are bounded and plain for any text, and read back from the ledger', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 150 }), fc.string({ unit: 'grapheme' }))
    const metadata = fc.dictionary(fc.constantFrom(...NAMES, '__proto__', 'x'), text)
    fc.assert(
      fc.property(metadata, (fields) => {
        const tags = readTags(fields, NAMES)
        if (tags === undefined) return
        for (const value of Object.values(tags)) {
          expect(Array.from(value).length).toBeLessThanOrEqual(TAG_CHARACTERS_MAX)
          expect(value.isWellFormed()).toBe(true)
          expect(value).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u)
          expect(value).not.toBe('')
        }
        expect(parseTags(tagsText(tags))).toEqual(tags)
        // What was read once is read again as itself.
        expect(readTags(tags, NAMES)).toEqual(tags)
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  it('are one text in the ledger, whatever the order of their names', () => {
    expect(tagsText({ team: 'a', project: 'b' })).toBe('{"project":"b","team":"a"}')
    expect(tagsText({ project: 'b', team: 'a' })).toBe('{"project":"b","team":"a"}')
  })

  it('beyond the bound of a day keep their names only', () => {
    const other = otherTags(tagsText({ team: 'a', project: 'b' }))
    expect(parseTags(other)).toEqual({ team: OTHER_TAG, project: OTHER_TAG })
    expect(otherTags(other)).toBe(other)
  })
})
