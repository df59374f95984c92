/** The table of keys: their state, costs, budgets and limits. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { ListedKey } from '../api/answers.ts'
import type { CallError } from '../api/client.ts'
import { listKeys } from '../api/operator.ts'
import { budgetText, limitsLine, stateOf } from '../format/limits.ts'
import { usd } from '../format/numbers.ts'
import { Button } from '../parts/button.tsx'
import { Money, When } from '../parts/figures.tsx'
import { StateBadge } from '../parts/state-badge.tsx'
import { Failure } from '../parts/states.tsx'
import { levelOf, shareOf, UsedBar } from '../parts/used-bar.tsx'
import { hrefOf } from '../state/route.ts'
import { callErrorOf } from '../state/use-answer.ts'

interface KeyTableProps {
  first: readonly ListedKey[]
  firstCursor: string | null
  filter: Parameters<typeof listKeys>[0]
}

export function KeyTable({ first, firstCursor, filter }: KeyTableProps): JSX.Element {
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
                <th scope="col">Other limits</th>
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
  const left = share >= 1 ? 'Spent:' : `${usd(roundedUsd(budget.usd - used))} left`
  return (
    <div class={`budget meter-${levelOf(share)}`}>
      <UsedBar share={share} />
      <span class="small">
        <strong>{left}</strong>{' '}
        <span class="muted">
          {share >= 1 ? '' : 'of '}
          {budgetText(budget)}
        </span>
      </span>
    </div>
  )
}

/** A difference of dollars, without the error of binary fractions below a micro-dollar. */
function roundedUsd(dollars: number): number {
  return Math.round(dollars * 1e6) / 1e6
}
