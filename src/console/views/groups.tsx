/** The list of groups: search, sort, and the way to a new group. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { createGroup, type GroupFilter, listGroups } from '../api/operator.ts'
import { Button } from '../parts/button.tsx'
import { Choice, TextField } from '../parts/field.tsx'
import { Answered, Empty } from '../parts/states.tsx'
import { announce } from '../state/announce.ts'
import { groupDraftOf } from '../state/group-form.ts'
import { goTo } from '../state/route.ts'
import { useAnswer } from '../state/use-answer.ts'
import { useSettled } from '../state/use-settled.ts'
import { GroupDialog } from './group-dialog.tsx'
import { GroupTable } from './group-table.tsx'

const SORTS = [
  ['created', 'Oldest first'],
  ['name', 'Name'],
  ['cost', 'Cost today'],
] as const

export function Groups(): JSX.Element {
  const search = useSignal('')
  const name = useSettled(search)
  const sort = useSignal('created')
  const isCreating = useSignal(false)
  const filter: GroupFilter = { name, sort: sort.value }
  const page = useAnswer(() => listGroups(filter, null), [name, sort.value])
  const create = (): void => {
    isCreating.value = true
  }
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>Groups</h1>
        <Button kind="primary" onClick={create}>
          New group
        </Button>
      </div>
      <div class="filters" role="search">
        <TextField label="Name begins with" type="search" value={search} maxLength={100} autoComplete="off" />
        <Choice label="Sort" value={sort} choices={SORTS} />
      </div>
      <Answered question={page} lines={4}>
        {(first) =>
          first.data.length === 0 ? (
            <NoGroups isFiltered={name !== ''} onCreate={create} />
          ) : (
            <GroupTable key={JSON.stringify(filter)} first={first} filter={filter} />
          )
        }
      </Answered>
      {isCreating.value && (
        <GroupDialog
          editing={null}
          onClose={() => (isCreating.value = false)}
          onSave={async (form) => {
            const created = await createGroup(groupDraftOf(form))
            announce(`Created the group ${created.name}.`)
            goTo({ page: 'group', id: created.id })
          }}
        />
      )}
    </>
  )
}

function NoGroups({ isFiltered, onCreate }: { isFiltered: boolean; onCreate: () => void }): JSX.Element {
  if (isFiltered) return <Empty title="No group is like that" />
  return (
    <Empty title="No groups yet">
      <p class="muted">
        The keys of a group share one budget and one set of limits, beside their own: a team, a customer or a
        project.
      </p>
      <Button kind="primary" onClick={onCreate}>
        Create the first group
      </Button>
    </Empty>
  )
}
