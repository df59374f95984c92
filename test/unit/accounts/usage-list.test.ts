import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CURSOR_LENGTH_MAX } from '../../../src/accounts/cursor.ts'
import { NO_USAGE } from '../../../src/accounts/ledger.ts'
import {
  firstKeptDate,
  groupOf,
  GROUPINGS,
  parseUsageCursor,
  selectGroups,
  usageCursorOf,
} from '../../../src/accounts/usage-list.ts'
import { shownTotals } from '../../../src/accounts/usage-report.ts'

describe('a cursor of usage', () => {
  it('leads back to its group, whatever the model’s name, and belongs to one grouping', () => {
    const value = fc.string({ unit: 'binary', maxLength: 100 }).map((text) => text.toWellFormed())
    fc.assert(
      fc.property(value, fc.constantFrom(...GROUPINGS), fc.constantFrom(...GROUPINGS), (text, by, other) => {
        const cursor = usageCursorOf(by, text)
        expect(cursor.length).toBeLessThan(CURSOR_LENGTH_MAX)
        expect(cursor).toMatch(/^[\w=-]+$/)
        expect(parseUsageCursor(cursor, other)).toBe(other === by ? text : null)
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  it('that no page returned is invalid', () => {
    const base64 = fc.json().map((text) => new TextEncoder().encode(text).toBase64({ alphabet: 'base64url' }))
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.base64String(), base64),
        fc.constantFrom(...GROUPINGS),
        (text, by) => {
          expect(parseUsageCursor(text, by)).toBeNull()
        },
      ),
      { seed: 1, numRuns: 1_000 },
    )
  })
})

describe('a page of usage', () => {
  it('asks for one group more than it has, after the last one of the page before', () => {
    const query = { from: '2026-01-01', to: '2026-01-31', limit: 10 }
    const today = '2026-01-20'
    const byColumn = GROUPINGS.filter((by) => by !== 'tag')
    expect(byColumn.map((by) => selectGroups({ ...query, by, after: null }, today).parameters)).toEqual(
      byColumn.map(() => ['2026-01-01', '2026-01-31', today, '', 11]),
    )
    // Requests without the tag are in the first page only.
    const parametersOf = (after: string | null) =>
      selectGroups({ ...query, by: 'tag', tag: 'team', after }, today).parameters
    expect(parametersOf(null)).toEqual(['team', '2026-01-01', '2026-01-31', '', 1, 11])
    expect(parametersOf('')).toEqual(['team', '2026-01-01', '2026-01-31', '', 0, 11])
    expect(selectGroups({ ...query, by: 'model', after: 'o3-mini' }, today).parameters).toContain('o3-mini')
  })

  it('shows a key that the directory does not know yet without a name', () => {
    const row = { value: 'abcdefghijkl', view: null, deletedAt: null, ...NO_USAGE }
    expect(groupOf('key', row)).toEqual({ id: 'abcdefghijkl', name: null, ...NO_USAGE })
  })
})

it('the directory keeps 400 days before today', () => {
  expect(firstKeptDate(Date.UTC(2026, 10, 26, 23, 59))).toBe('2025-10-22')
})

it('totals are shown in dollars, with the fields that stand beside them', () => {
  const row = { ...NO_USAGE, date: '2026-11-26', requests: 2, costMicroUsd: 3_080, estimatedMicroUsd: 1 }
  const { costMicroUsd: _cost, estimatedMicroUsd: _estimated, ...counts } = row
  expect(shownTotals(row)).toEqual({ ...counts, costUsd: 0.00308, estimatedUsd: 0.000001 })
})
