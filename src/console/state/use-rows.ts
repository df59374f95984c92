/** The rows of a list that comes in pages: the first page, and those that the person asked for after it. */
import { type ReadonlySignal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { CallError } from '../api/client.ts'
import { callErrorOf } from './use-answer.ts'

export interface ListPage<Row> {
  data: readonly Row[]
  nextCursor: string | null
}

export interface Rows<Row> {
  rows: readonly Row[]
  hasMore: boolean
  /** Of the last page that was asked for. */
  error: ReadonlySignal<CallError | null>
  loadMore: () => Promise<void>
}

/** Another first page begins the list anew. */
export function useRows<Row>(
  first: ListPage<Row>,
  readPage: (cursor: string | null) => Promise<ListPage<Row>>,
): Rows<Row> {
  const more = useSignal<readonly Row[]>([])
  const cursor = useSignal(first.nextCursor)
  const error = useSignal<CallError | null>(null)
  useEffect(() => {
    more.value = []
    cursor.value = first.nextCursor
  }, [first])
  async function loadMore(): Promise<void> {
    error.value = null
    try {
      const next = await readPage(cursor.value)
      more.value = [...more.value, ...next.data]
      cursor.value = next.nextCursor
    } catch (thrown) {
      error.value = callErrorOf(thrown)
    }
  }
  return { rows: [...first.data, ...more.value], hasMore: cursor.value !== null, error, loadMore }
}
