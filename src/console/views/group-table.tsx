/** The table of groups: their costs, budgets and limits. */
import type { JSX } from 'preact'
import type { ListedGroup } from '../api/answers.ts'
import { type GroupFilter, listGroups } from '../api/operator.ts'
import { limitsLine } from '../format/limits.ts'
import { Budget } from '../parts/budget.tsx'
import { Money } from '../parts/figures.tsx'
import { RowsTable } from '../parts/rows-table.tsx'
import { hrefOf } from '../state/route.ts'
import type { ListPage } from '../state/use-rows.ts'

export interface GroupTableProps {
  first: ListPage<ListedGroup>
  filter: GroupFilter
}

export function GroupTable({ first, filter }: GroupTableProps): JSX.Element {
  return (
    <RowsTable
      noun="groups"
      first={first}
      readPage={(cursor) => listGroups(filter, cursor)}
      head={
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
      }
    >
      {(group) => (
        <tr key={group.id}>
          <th scope="row">
            <a href={hrefOf({ page: 'group', id: group.id })}>{group.name}</a>
            <code class="id">{group.id}</code>
          </th>
          <td class="number">
            <Money usd={group.todayCostUsd} />
          </td>
          <td class="number">
            <Money usd={group.monthCostUsd} />
          </td>
          <td>
            <Budget listed={group} none="None" />
          </td>
          <td class="limits-cell">{limitsLine(group.limits, 'None')}</td>
        </tr>
      )}
    </RowsTable>
  )
}
