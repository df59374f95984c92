/** Fills a directory with keys and days of usage. Each key is reported as its account does it; further days are copies in SQL. */
import type { Directory } from '../../../src/accounts/directory.ts'
import { NO_USAGE } from '../../../src/accounts/ledger.ts'
import { STORED_COLUMNS } from '../../../src/accounts/usage-list.ts'
import { DAY_MS, dateOf } from '../../../src/calendar.ts'
import type { Filling } from '../scale-counts.ts'

/** Every hundredth key is disabled, and every hundredth has expired. */
const RARE = 100
const DAY_START = Date.UTC(2026, 0, 1)

/** The id of a key by its number. Ids are in no order of creation, as random ids. */
export function filledId(number: number): string {
  return ((number * 2_654_435_761) % 2 ** 32).toString(36).padStart(12, '0')
}

export async function fillDirectory(
  directory: Directory,
  { sql }: DurableObjectStorage,
  { first, count, revision, copiedDays }: Filling,
): Promise<void> {
  const today = dateOf(Date.now())
  for (let number = first; number < first + count; number += 1) {
    const id = filledId(number)
    const view = {
      id,
      name: `${number % 2 === 0 ? 'team' : 'person'} ${number}`,
      createdAt: new Date(DAY_START + number * 60_000).toISOString(),
      expiresAt: number % RARE === 1 ? new Date(DAY_START + DAY_MS).toISOString() : null,
      disabled: number % RARE === 0,
      limits: { requestsPerMinute: 60 },
    }
    const deletedAt = number % RARE === 2 ? new Date(DAY_START + DAY_MS).toISOString() : null
    await directory.report({ view, version: 1, deletedAt })
    const usage = { ...NO_USAGE, requests: 10, promptTokens: 1000, completionTokens: 500 }
    const rows = [{ ...usage, costMicroUsd: 1 + (number % 10_000), date: today, model: 'o3-mini' }]
    await directory.reportUsage({ keyId: id, revision, rows })
  }
  const columns = STORED_COLUMNS.join(', ')
  const copied = STORED_COLUMNS.map((column) => (column === 'date' ? 'date(date, ?)' : column)).join(', ')
  for (let day = 1; day <= copiedDays; day += 1) {
    sql.exec(
      `INSERT INTO usage (${columns}) SELECT ${copied} FROM usage WHERE date = ?`,
      `-${day} day`,
      today,
    )
  }
}
