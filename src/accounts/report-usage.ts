/** The report of an account's usage to the directory, in parts: a key with many tags has thousands of rows. */
import type { AccountBook } from './book.ts'
import type { UsageRow } from './usage-protocol.ts'

/** Rows in a part, some 400 kB. The directory takes a fifth of a second for them, and an attempt to publish has 2 seconds. */
export const REPORT_ROWS_MAX = 2_000

/**
 * Reports what has changed since a revision.
 *
 * @param report Sends a part. It rejects where the part may not have arrived.
 * @param note Notes the revision up to which all has arrived. It says whether to go on.
 */
export async function reportUsage(
  book: Pick<AccountBook, 'revision' | 'changedSince'>,
  acknowledged: number,
  report: (revision: number, rows: UsageRow[]) => Promise<unknown>,
  note: (revision: number) => boolean,
): Promise<void> {
  for (let since = acknowledged; ;) {
    const { revision } = book
    const changes = book.changedSince(since, REPORT_ROWS_MAX)
    await report(revision, changes.rows)
    since = changes.revision
    if (since >= revision || !note(since)) return
  }
}
