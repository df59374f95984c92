/** The usage of all keys by day, key, model and tags, as the directory gives it out page by page. Pure. */
import { apiKeyView } from '../keys/api-key.ts'
import type { Statement } from './key-list.ts'
import type { UsageTotals } from './usage-protocol.ts'
import { COLUMNS, type TotalRow } from './usage-list.ts'

/** Rows of a page, which are about 2 MB. The free plan allows a request 1,000 calls, so it exports 5 million rows at most. */
export const EXPORT_PAGE_ROWS = 5_000

/** A row that was exported: the next page begins behind it. */
export interface ExportPosition {
  date: string
  keyId: string
  model: string
  /** As `tagsText` writes them; empty for requests without tags. */
  tags: string
}

/** The name is `null` where the directory does not know the key yet. */
export type ExportedUsage = ExportPosition & UsageTotals & { name: string | null }

export interface ExportQuery {
  /** UTC dates, both included. */
  from: string
  to: string
  /** `null` for the first page. */
  after: ExportPosition | null
}

export interface ExportPage {
  kind: 'page'
  /** Sorted by date, key id, model and tags. Fewer than `EXPORT_PAGE_ROWS` are the last page. */
  rows: ExportedUsage[]
}

export type ExportRow = TotalRow & Record<keyof ExportPosition, string> & { view: string | null }

/** The rows are `ExportRow`. */
export function selectExport({ from, to, after }: ExportQuery): Statement {
  const totals = COLUMNS.map(([name, column]) => `${column} AS ${name}`).join(', ')
  return {
    sql: `SELECT date, key_id AS keyId, model, tags, ${totals}, keys.view AS view
      FROM usage LEFT JOIN keys ON keys.id = key_id
      WHERE (date, key_id, model, tags) > (?, ?, ?, ?) AND date <= ? ORDER BY date, key_id, model, tags LIMIT ?`,
    // Every key id sorts after the empty text.
    parameters: [
      after?.date ?? from,
      after?.keyId ?? '',
      after?.model ?? '',
      after?.tags ?? '',
      to,
      EXPORT_PAGE_ROWS,
    ],
  }
}

export function exportedUsage({ view, ...row }: ExportRow): ExportedUsage {
  return { ...row, name: view === null ? null : apiKeyView.parse(JSON.parse(view)).name }
}
