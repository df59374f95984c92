/** The list of keys: search, sort, state, and the way to a new key. */
import { useSignal, type Signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { ListedKey } from '../api/answers.ts'
import { createKey, listKeys } from '../api/operator.ts'
import { budgetText, limitsLine, stateOf } from '../format/limits.ts'
import { usd } from '../format/numbers.ts'
import { Button } from '../parts/button.tsx'
import { Choice, TextField } from '../parts/field.tsx'
import { Money, When } from '../parts/figures.tsx'
import { StateBadge } from '../parts/state-badge.tsx'
import { levelOf, shareOf, UsedBar } from '../parts/used-bar.tsx'
import { Answered, Empty, Failure } from '../parts/states.tsx'
import { announce } from '../state/announce.ts'
import { draftOf } from '../state/key-form.ts'
import { hrefOf } from '../state/route.ts'
import { callErrorOf, useAnswer } from '../state/use-answer.ts'
import type { CallError } from '../api/client.ts'
import { KeyDialog } from './key-dialog.tsx'
import { type NewSecret, SecretDialog } from './secret-dialog.tsx'

/** A search begins so long after the last letter, ms. */
const SEARCH_DELAY_MS = 250

const STATES = [
  ['', 'All but deleted'],
  ['active', 'Active'],
  ['disabled', 'Disabled'],
  ['expired', 'Expired'],
  ['deleted', 'Deleted'],
] as const

const SORTS = [
  ['created', 'Oldest first'],
  ['name', 'Name'],
  ['cost', 'Cost today'],
] as const

export function Keys(): JSX.Element {
  const search = useSignal('')
  const name = useSettled(search)
  const state = useSignal('')
  const sort = useSignal('created')
  const isCreating = useSignal(false)
  const made = useSignal<NewSecret | null>(null)
  const filter = { name, state: state.value, sort: sort.value }
  const page = useAnswer(() => listKeys(filter, null), [name, state.value, sort.value])
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>Keys</h1>
        <Button kind="primary" onClick={() => (isCreating.value = true)}>
          New key
        </Button>
      </div>
      <div class="filters" role="search">
        <TextField label="Name begins with" type="search" value={search} maxLength={100} autoComplete="off" />
        <Choice label="State" value={state} choices={STATES} />
        <Choice label="Sort" value={sort} choices={SORTS} />
      </div>
      <Answered question={page} lines={6}>
        {({ data, nextCursor }) =>
          data.length === 0 ? (
            <NoKeys
              isFiltered={name !== '' || state.value !== ''}
              onCreate={() => (isCreating.value = true)}
            />
          ) : (
            <KeyTable key={JSON.stringify(filter)} first={data} firstCursor={nextCursor} filter={filter} />
          )
        }
      </Answered>
      {isCreating.value && (
        <KeyDialog
          editing={null}
          onClose={() => (isCreating.value = false)}
          onSave={async (form) => {
            const { name: keyName, secret } = await createKey(draftOf(form))
            isCreating.value = false
            made.value = { name: keyName, secret }
            announce(`Created the key ${keyName}.`)
            page.reload()
          }}
        />
      )}
      {made.value !== null && <SecretDialog made={made.value} onClose={() => (made.value = null)} />}
    </>
  )
}

function NoKeys({ isFiltered, onCreate }: { isFiltered: boolean; onCreate: () => void }): JSX.Element {
  if (isFiltered) return <Empty title="No key is like that" />
  return (
    <Empty title="No keys yet">
      <p class="muted">
        A key lends this gateway to one app or one person, with limits and a bill of its own.
      </p>
      <Button kind="primary" onClick={onCreate}>
        Create the first key
      </Button>
    </Empty>
  )
}

interface KeyTableProps {
  first: readonly ListedKey[]
  firstCursor: string | null
  filter: Parameters<typeof listKeys>[0]
}

function KeyTable({ first, firstCursor, filter }: KeyTableProps): JSX.Element {
  const more = useSignal<readonly ListedKey[]>([])
  const cursor = useSignal(firstCursor)
  const error = useSignal<CallError | null>(null)
  useEffect(() => {
    more.value = []
    cursor.value = firstCursor
  }, [first, firstCursor])
  async function loadMore(): Promise<void> {
    error.value = null
    try {
      const next = await listKeys(filter, cursor.value)
      more.value = [...more.value, ...next.data]
      cursor.value = next.nextCursor
    } catch (thrown) {
      error.value = callErrorOf(thrown)
    }
  }
  const nowMs = Date.now()
  return (
    <>
      <div class="card card-flush">
        <div class="scroll" role="region" aria-label="Keys" tabIndex={0}>
          <table class="keys">
            <caption class="sr-only">Keys</caption>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">State</th>
                <th scope="col" class="number">
                  Today
                </th>
                <th scope="col" class="number">
                  This month
                </th>
                <th scope="col">Budget</th>
                <th scope="col">Limits</th>
                <th scope="col">Expires</th>
              </tr>
            </thead>
            <tbody>
              {[...first, ...more.value].map((key) => (
                <KeyRow key={key.id} listed={key} nowMs={nowMs} />
              ))}
            </tbody>
          </table>
        </div>
      </div>
      {error.value !== null && <Failure error={error.value} />}
      {cursor.value !== null && <Button onClick={() => void loadMore()}>Show more keys</Button>}
    </>
  )
}

function KeyRow({ listed, nowMs }: { listed: ListedKey; nowMs: number }): JSX.Element {
  return (
    <tr>
      <th scope="row">
        <a href={hrefOf({ page: 'key', id: listed.id })}>{listed.name}</a>
        <code class="id">{listed.id}</code>
      </th>
      <td>
        <StateBadge state={stateOf(listed, nowMs)} />
      </td>
      <td class="number">
        <Money usd={listed.todayCostUsd} />
      </td>
      <td class="number">
        <Money usd={listed.monthCostUsd} />
      </td>
      <td>
        <Budget listed={listed} />
      </td>
      <td class="limits-cell">{limitsLine(listed.limits)}</td>
      <td>{listed.expiresAt === null ? <span class="muted">Never</span> : <When at={listed.expiresAt} />}</td>
    </tr>
  )
}

/** The list does not have the cost of a key's whole life, so a budget in total has no bar here. The key's page has it. */
function Budget({ listed: { limits, todayCostUsd, monthCostUsd } }: { listed: ListedKey }): JSX.Element {
  const { budget } = limits
  if (budget === undefined) return <span class="muted">None of its own</span>
  if (budget.period === 'total') return <>{budgetText(budget)}</>
  const used = budget.period === 'day' ? todayCostUsd : monthCostUsd
  const share = shareOf(used, budget.usd)
  const left = levelOf(share) === 'spent' ? 'Spent' : `${usd(roundedUsd(budget.usd - used))} left`
  return (
    <div class={`budget meter-${levelOf(share)}`}>
      <UsedBar share={share} />
      <span class="small">
        <strong>{left}</strong> <span class="muted">of {budgetText(budget)}</span>
      </span>
    </div>
  )
}

/** A difference of dollars, without the error of binary fractions below a micro-dollar. */
function roundedUsd(dollars: number): number {
  return Math.round(dollars * 1e6) / 1e6
}

/** The text once no letter was typed for a moment. */
function useSettled(text: Signal<string>): string {
  const settled = useSignal(text.peek())
  const current = text.value
  useEffect(() => {
    const timer = setTimeout(() => (settled.value = current.trim()), SEARCH_DELAY_MS)
    return () => clearTimeout(timer)
  }, [current, settled])
  return settled.value
}
