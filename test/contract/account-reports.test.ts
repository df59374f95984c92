/** An account reports its usage to the directory in parts, and goes on after the last part that has arrived. */
import { expect, it } from 'vitest'
import type { UsageRow } from '../../src/accounts/usage-protocol.ts'
import { REPORT_ROWS_MAX, reportUsage } from '../../src/accounts/report-usage.ts'
import { DAY_MS } from '../../src/calendar.ts'
import { BookRig, NOON_MS, ofIsolate } from './book-rig.ts'

const DAYS = 9
const ROWS_A_DAY = 500

/** A book with thousands of rows. */
function bookOfManyRows() {
  const { book } = new BookRig()
  for (let day = 0; day < DAYS; day++) {
    const nowMs = NOON_MS + day * DAY_MS
    const entries = Array.from({ length: ROWS_A_DAY }, (_, at) =>
      ofIsolate(`${day}.${at}`, nowMs, { model: `m${at}` }),
    )
    book.settle({ writerId: 'w', number: day + 1, entries }, nowMs)
  }
  return book
}

/** A directory that takes so many parts. */
function directoryFor(partsTaken: number) {
  const parts: UsageRow[][] = []
  const report = (_revision: number, rows: UsageRow[]): Promise<unknown> =>
    parts.length < partsTaken ? Promise.resolve(parts.push(rows)) : Promise.reject(new Error('down'))
  return { parts, report }
}

it('many rows are several parts, none of them large, and each row is in one', async () => {
  const { parts, report } = directoryFor(Infinity)
  const noted: number[] = []
  await reportUsage(bookOfManyRows(), 0, report, (revision) => noted.push(revision) > 0)
  expect(parts.map((rows) => rows.length)).toEqual([REPORT_ROWS_MAX, REPORT_ROWS_MAX, ROWS_A_DAY])
  expect(noted).toEqual([4, 8])
  const told = parts.flatMap((rows) => rows.map(({ date, model }) => `${date} ${model}`))
  expect(new Set(told).size).toBe(DAYS * ROWS_A_DAY)
})

it('a report that fails is begun again after the parts that have arrived', async () => {
  const book = bookOfManyRows()
  let acknowledged = 0
  const note = (revision: number): boolean => {
    acknowledged = revision
    return true
  }
  await expect(reportUsage(book, acknowledged, directoryFor(1).report, note)).rejects.toThrow('down')
  expect(acknowledged).toBe(4)
  const { parts, report } = directoryFor(Infinity)
  await reportUsage(book, acknowledged, report, note)
  expect(parts.map((rows) => rows.length)).toEqual([REPORT_ROWS_MAX, ROWS_A_DAY])
})

it('a report that no longer counts ends after its part', async () => {
  const { parts, report } = directoryFor(Infinity)
  await reportUsage(bookOfManyRows(), 0, report, () => false)
  expect(parts).toHaveLength(1)
})
