/** A budget in a list, with a bar of what is used of it. */
import type { JSX } from 'preact'
import type { ListedGroup } from '../api/answers/keys.ts'
import { budgetText } from '../format/limits.ts'
import { usd } from '../format/numbers.ts'
import { levelOf, shareOf, UsedBar } from './used-bar.tsx'

export interface BudgetProps {
  listed: Pick<ListedGroup, 'limits' | 'todayCostUsd' | 'monthCostUsd'>
  /** What stands in the place of a budget. */
  none: string
}

/** A list does not have the cost of a whole life, so a budget in total has no bar here. The page of the key or group has it. */
export function Budget({ listed, none }: BudgetProps): JSX.Element {
  const { limits, todayCostUsd, monthCostUsd } = listed
  const { budget } = limits
  if (budget === undefined) return <span class="muted">{none}</span>
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
