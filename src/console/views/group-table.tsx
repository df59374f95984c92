/** The table of groups: their costs, budgets and limits. */
import type { JSX } from 'preact'
import type { ListedGroup } from '../api/answers/keys.ts'
import { type GroupFilter, listGroups } from '../api/operator.ts'
import { CostCells, CostHeads } from '../parts/cost-columns.tsx'
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
      head={<CostHeads />}
    >
      {(group) => (
        <tr key={group.id}>
          <th scope="row">
            <a href={hrefOf({ page: 'group', id: group.id })}>{group.name}</a>
            <code class="id">{group.id}</code>
          </th>
          <CostCells listed={group} none="None" />
        </tr>
      )}
    </RowsTable>
  )
}
