/** The last requests of a key, each with what became of it. The operator's and the holder's pages share it. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import type { RequestRecord } from '../api/answers/requests.ts'
import { explain } from '../format/explain.ts'
import { count, milliseconds, plural } from '../format/numbers.ts'
import { Segments } from '../parts/field.tsx'
import { Money, When } from '../parts/figures.tsx'
import { hrefOf } from '../state/route.ts'

/** Rows that are shown until someone asks for more. */
const ROWS_FIRST = 10

const SHOWN = [
  ['all', 'All'],
  ['refused', 'Refused'],
  ['failed', 'Failed'],
] as const

export interface RequestTableProps {
  requests: readonly RequestRecord[]
  /** Whether a request's id leads to the page that explains it. */
  isLinked: boolean
}

export function RequestTable({ requests, isLinked }: RequestTableProps): JSX.Element {
  const shown = useSignal('all')
  const isLong = useSignal(false)
  const chosen = requests.filter((request) => isChosen(shown.value, request))
  const rows = isLong.value ? chosen : chosen.slice(0, ROWS_FIRST)
  return (
    <section class="card requests">
      <header class="card-head">
        <h2>Last requests</h2>
        <Segments label="Show" value={shown} choices={SHOWN} />
      </header>
      {chosen.length === 0 && (
        <p class="muted">
          {requests.length === 0
            ? 'No request yet.'
            : `None of the last ${plural(requests.length, 'request')}.`}
        </p>
      )}
      {rows.length > 0 && (
        <div class="scroll" role="region" aria-label="Last requests" tabIndex={0}>
          <table>
            <caption class="sr-only">Last requests, the newest first</caption>
            <thead>
              <tr>
                <th scope="col">Result</th>
                <th scope="col">Request</th>
                <th scope="col" class="number">
                  Tokens
                </th>
                <th scope="col" class="number">
                  Time
                </th>
                <th scope="col" class="number">
                  Cost
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((request) => (
                <Row key={request.id} request={request} isLinked={isLinked} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {rows.length < chosen.length && (
        <button type="button" class="button button-small" onClick={() => (isLong.value = true)}>
          Show all {count(chosen.length)}
        </button>
      )}
    </section>
  )
}

function isChosen(shown: string, request: RequestRecord): boolean {
  if (shown === 'refused') return request.state === 'refused'
  return shown === 'all' || (request.state === 'settled' && request.reason !== null)
}

function Row({ request, isLinked }: { request: RequestRecord; isLinked: boolean }): JSX.Element {
  const { result, mood, sentences } = explain(request)
  const hasBill = request.state === 'settled'
  return (
    <tr>
      <td>
        <span class={`badge badge-${mood}`}>{result}</span>
        <span class="cell-note">{sentences[0]}</span>
      </td>
      <th scope="row">
        {isLinked ? (
          <a href={hrefOf({ page: 'explain', id: request.id })}>
            <code>{request.id}</code>
          </a>
        ) : (
          <code>{request.id}</code>
        )}
        <span class="cell-note">
          <When at={request.at} />
        </span>
      </th>
      <td class="number">{hasBill ? count(request.promptTokens + request.completionTokens) : '–'}</td>
      <td class="number">{hasBill ? milliseconds(request.durationMs) : '–'}</td>
      <td class="number">{hasBill ? <Money usd={request.costUsd} /> : '–'}</td>
    </tr>
  )
}
