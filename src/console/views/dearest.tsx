/** The groups, and the values of tags, that cost most. Each is a question of its own, so that one that fails leaves the rest. */
import type { JSX } from 'preact'
import type { GroupTotals, TagTotals, Totals } from '../api/answers/usage.ts'
import { readUsageByGroup, readUsageByTag } from '../api/operator.ts'
import { plural } from '../format/numbers.ts'
import { Answered } from '../parts/states.tsx'
import { UsageTable, type UsageTableRow } from '../parts/usage-figures.tsx'
import { hrefOf } from '../state/route.ts'
import { useAnswer } from '../state/use-answer.ts'

/** The rows of each table. */
const ROWS_SHOWN = 10

export interface DearestProps {
  /** UTC dates, both included. */
  from: string
  to: string
  /** Of the page's figures, which these are asked for with. */
  atMs: number
}

/** Nothing where no group has any usage. */
export function DearestGroups({ from, to, atMs }: DearestProps): JSX.Element | null {
  return (
    <Dearest
      title="Groups that cost most"
      caption="Usage by group"
      head="Group"
      ask={() => readUsageByGroup(from, to)}
      dependencies={[from, to, atMs]}
      rowOf={groupRow}
    />
  )
}

export function DearestTags({ tag, from, to, atMs }: DearestProps & { tag: string }): JSX.Element | null {
  return (
    <Dearest
      title={`By tag: ${tag}`}
      caption={`Usage by the tag ${tag}`}
      head={tag}
      ask={() => readUsageByTag(tag, from, to)}
      dependencies={[tag, from, to, atMs]}
      rowOf={tagRow}
    />
  )
}

interface DearestTableProps<Row> {
  title: string
  caption: string
  head: string
  ask: () => Promise<{ data: Row[] }>
  dependencies: readonly unknown[]
  rowOf: (row: Row) => UsageTableRow
}

/** It takes no place while it loads, since most gateways have neither groups nor tags. */
function Dearest<Row extends Totals>(props: DearestTableProps<Row>): JSX.Element | null {
  const { title, caption, head, ask, dependencies, rowOf } = props
  const page = useAnswer(async () => (await ask()).data.toSorted(byCost), dependencies)
  const { state, value } = page.answer.value
  if (state !== 'failed' && (value === null || value.length === 0)) return null
  return (
    <section class="card">
      <h2>{title}</h2>
      <Answered question={page}>
        {(rows) => (
          <div class="stack">
            <UsageTable caption={caption} head={head} rows={rows.slice(0, ROWS_SHOWN).map(rowOf)} />
            {rows.length > ROWS_SHOWN && (
              <p class="muted small">And {plural(rows.length - ROWS_SHOWN, 'other')} that cost less.</p>
            )}
          </div>
        )}
      </Answered>
    </section>
  )
}

function byCost(a: Totals, b: Totals): number {
  return b.costUsd - a.costUsd
}

function groupRow(sums: GroupTotals): UsageTableRow {
  const name = sums.name ?? sums.id
  if (sums.deletedAt !== undefined) return { ...sums, name: `${name} (deleted)` }
  return { ...sums, name, href: hrefOf({ page: 'group', id: sums.id }) }
}

function tagRow({ value, ...sums }: TagTotals): UsageTableRow {
  return { ...sums, id: JSON.stringify(value), name: value ?? 'Without this tag' }
}
