/** The table of a list that comes in pages, with the button for the next one. */
import type { ComponentChildren, JSX } from 'preact'
import { type ListPage, useRows } from '../state/use-rows.ts'
import { Button } from './button.tsx'
import { Failure } from './states.tsx'

export interface RowsTableProps<Row> {
  /** What the rows are, in the plural. */
  noun: string
  first: ListPage<Row>
  readPage: (cursor: string | null) => Promise<ListPage<Row>>
  /** The heads of the columns after the name. */
  head: ComponentChildren
  children: (row: Row) => JSX.Element
}

export function RowsTable<Row>({ noun, first, readPage, head, children }: RowsTableProps<Row>): JSX.Element {
  const { rows, hasMore, error, loadMore } = useRows(first, readPage)
  const caption = `${noun[0]?.toUpperCase() ?? ''}${noun.slice(1)}`
  return (
    <>
      <div class="card card-flush">
        <div class="scroll" role="region" aria-label={caption} tabIndex={0}>
          <table class="keys">
            <caption class="sr-only">{caption}</caption>
            <thead>
              <tr>
                <th scope="col">Name</th>
                {head}
              </tr>
            </thead>
            <tbody>{rows.map(children)}</tbody>
          </table>
        </div>
      </div>
      {error.value !== null && <Failure error={error.value} />}
      {hasMore && <Button onClick={() => void loadMore()}>Show more {noun}</Button>}
    </>
  )
}
