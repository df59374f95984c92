/** The columns that the lists of keys and of groups share: costs, budget and other limits. */
import type { JSX } from 'preact'
import { limitsLine } from '../format/limits.ts'
import { Budget, type BudgetProps } from './budget.tsx'
import { Money } from './figures.tsx'

export function CostHeads(): JSX.Element {
  return (
    <>
      <th scope="col" class="number">
        Today
      </th>
      <th scope="col" class="number">
        This month
      </th>
      <th scope="col">Budget</th>
      <th scope="col">Other limits</th>
    </>
  )
}

/** `none` stands where there is no budget, and where there is no other limit. */
export function CostCells({ listed, none }: BudgetProps): JSX.Element {
  return (
    <>
      <td class="number">
        <Money usd={listed.todayCostUsd} />
      </td>
      <td class="number">
        <Money usd={listed.monthCostUsd} />
      </td>
      <td>
        <Budget listed={listed} none={none} />
      </td>
      <td class="limits-cell">{limitsLine(listed.limits, none)}</td>
    </>
  )
}
