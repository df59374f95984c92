/** The combinations of tags that a key has on each day. Their number is bounded, so that no holder makes the ledger large. */
import { getOrCreate } from '../lru.ts'
import { type BookSql, parseText } from './book-schema.ts'
import { otherTags } from './tags.ts'

/** Combinations of tags that a key can have on a UTC day. Requests with further ones are booked under `OTHER_TAG`. */
export const TAG_COMBINATIONS_MAX = 100
/** Days whose combinations are in memory. A request is booked on one of the last three. */
const DAYS_REMEMBERED = 4

export class BookTags {
  readonly #sql: BookSql
  readonly #days = new Map<string, Set<string>>()

  constructor(sql: BookSql) {
    this.#sql = sql
  }

  /** The tags of the row in which a request of the day is booked. The caller books it, so that the day has them from now on. */
  take(date: string, tags: string | undefined): string | undefined {
    if (tags === undefined) return undefined
    const known = getOrCreate(this.#days, date, DAYS_REMEMBERED, () => this.#read(date))
    if (known.has(tags)) return tags
    if (known.size >= TAG_COMBINATIONS_MAX) return otherTags(tags)
    known.add(tags)
    return tags
  }

  #read(date: string): Set<string> {
    const statement = "SELECT DISTINCT tags FROM usage WHERE date = ? AND tags <> ''"
    return new Set(
      this.#sql
        .exec(statement, date)
        .toArray()
        .map((row) => parseText(row['tags'])),
    )
  }
}
