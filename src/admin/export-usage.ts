/** The operator's download of usage: all rows of a range, as a file for spreadsheets. */
import type { Context } from 'hono'
import { EXPORT_PAGE_ROWS, type ExportedUsage, type ExportPosition } from '../accounts/usage-export.ts'
import { parseTags } from '../accounts/tags.ts'
import { COLUMNS } from '../accounts/usage-list.ts'
import { usdOf } from '../accounts/usage-report.ts'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { isolateOf } from '../isolate.ts'
import { csvLine, plainText } from '../wire/csv.ts'
import { exportQuery } from './usage-query.ts'

const HEADINGS = COLUMNS.map(([, column]) => column.replace('micro_usd', 'usd'))

/**
 * `GET /admin/usage?format=csv&from&to`: a row for each day, key, model and combination of tags with usage, for 400 days at most;
 * default the last 7 days. Each name in `USAGE_TAGS` has a column, such as `tag_team`. Two pages of rows are in memory at a time, however long the range is. A page that cannot be read breaks the download
 * off, so that a part is not taken for the whole.
 *
 * @throws GatewayError `invalid_parameter`; `usage_unavailable` where the first page cannot be read.
 */
export async function exportUsage(c: Context<Gateway>): Promise<Response> {
  const { from, to } = exportQuery(c.req.query(), Date.now())
  const { accounts } = isolateOf(c.env)
  const { usageTags } = c.get('config')
  const read = async (after: ExportPosition | null): Promise<ExportedUsage[]> => {
    const page = await accounts.exportUsage({ from, to, after })
    if (page.kind === 'unavailable') throw new GatewayError({ kind: 'usage_unavailable' })
    return page.rows
  }
  const body = csvStream(await read(null), read, usageTags)
  return c.body(body, 200, {
    'content-type': 'text/csv; charset=utf-8; header=present',
    'content-disposition': `attachment; filename="usage-${from}-to-${to}.csv"`,
  })
}

function csvStream(
  firstPage: ExportedUsage[],
  read: (after: ExportPosition) => Promise<ExportedUsage[]>,
  usageTags: readonly string[],
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let page = firstPage
  const tagHeadings = usageTags.map((name) => `tag_${name}`)
  let head = csvLine(['date', 'key_id', 'key_name', 'model', ...tagHeadings, ...HEADINGS])
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const text = head + page.map((row) => lineOf(row, usageTags)).join('')
        head = ''
        if (text !== '') controller.enqueue(encoder.encode(text))
        const last = page.at(-1)
        if (last === undefined || page.length < EXPORT_PAGE_ROWS) return controller.close()
        page = await read(last)
      },
    },
    // Nothing is read for a client that does not read.
    { highWaterMark: 0 },
  )
}

function lineOf(row: ExportedUsage, usageTags: readonly string[]): string {
  const totals = COLUMNS.map(([name]) =>
    name === 'costMicroUsd' || name === 'estimatedMicroUsd' ? usdOf(row[name]).toFixed(6) : `${row[name]}`,
  )
  const tags = row.tags === '' ? {} : parseTags(row.tags)
  const texts = [row.name ?? '', row.model, ...usageTags.map((name) => tags[name] ?? '')]
  return csvLine([row.date, row.keyId, ...texts.map(plainText), ...totals])
}
