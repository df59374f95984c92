/** The table of keys: their state, costs, budgets and limits. */
import type { JSX } from 'preact'
import type { Group, ListedKey } from '../api/answers/keys.ts'
import { type KeyFilter, listKeys } from '../api/operator.ts'
import { stateOf } from '../format/limits.ts'
import { CostCells, CostHeads } from '../parts/cost-columns.tsx'
import { When } from '../parts/figures.tsx'
import { GroupLink } from '../parts/group-link.tsx'
import { RowsTable } from '../parts/rows-table.tsx'
import { StateBadge } from '../parts/state-badge.tsx'
import { hrefOf } from '../state/route.ts'
import type { ListPage } from '../state/use-rows.ts'

export interface KeyTableProps {
  first: ListPage<ListedKey>
  filter: KeyFilter
  /** The groups whose names are known; `null` where no row names its group. */
  groups: readonly Group[] | null
}

export function KeyTable({ first, filter, groups }: KeyTableProps): JSX.Element {
  const nowMs = Date.now()
  return (
    <RowsTable
      noun="keys"
      first={first}
      readPage={(cursor) => listKeys(filter, cursor)}
      head={
        <>
          <th scope="col">State</th>
          <CostHeads />
          <th scope="col">Expires</th>
        </>
      }
    >
      {(key) => <KeyRow key={key.id} listed={key} groups={groups} nowMs={nowMs} />}
    </RowsTable>
  )
}

interface KeyRowProps {
  listed: ListedKey
  groups: readonly Group[] | null
  nowMs: number
}

function KeyRow({ listed, groups, nowMs }: KeyRowProps): JSX.Element {
  return (
    <tr>
      <th scope="row">
        <a href={hrefOf({ page: 'key', id: listed.id })}>{listed.name}</a>
        <code class="id">{listed.id}</code>
        {groups !== null && listed.group != null && (
          <span class="sub">
            in <GroupLink id={listed.group} groups={groups} />
          </span>
        )}
      </th>
      <td>
        <StateBadge state={stateOf(listed, nowMs)} />
      </td>
      <CostCells listed={listed} none="None of its own" />
      <td>{listed.expiresAt === null ? <span class="muted">Never</span> : <When at={listed.expiresAt} />}</td>
    </tr>
  )
}
