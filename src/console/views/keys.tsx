/** The list of keys: search, group, sort, state, and the way to a new key. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { type KeyFilter, listKeys, readGroups } from '../api/operator.ts'
import { Button } from '../parts/button.tsx'
import { Choice, TextField } from '../parts/field.tsx'
import { Answered, Empty } from '../parts/states.tsx'
import { groupChoices } from '../state/group-choices.ts'
import { useAnswer } from '../state/use-answer.ts'
import { useSettled } from '../state/use-settled.ts'
import { KeyTable } from './key-table.tsx'
import { NewKey } from './new-key.tsx'

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

/** `inGroup`: the id of the group that is chosen at first; empty for all keys. */
export function Keys({ inGroup }: { inGroup: string }): JSX.Element {
  const search = useSignal('')
  const name = useSettled(search)
  const group = useSignal(inGroup)
  const state = useSignal('')
  const sort = useSignal('created')
  const isCreating = useSignal(false)
  const filter: KeyFilter = { name, state: state.value, group: group.value, sort: sort.value }
  const page = useAnswer(() => listKeys(filter, null), [name, state.value, group.value, sort.value])
  const groups = useAnswer(readGroups, [])
  const known = groups.answer.value.value ?? []
  const create = (): void => {
    isCreating.value = true
  }
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>Keys</h1>
        <Button kind="primary" onClick={create}>
          New key
        </Button>
      </div>
      <div class="filters" role="search">
        <TextField label="Name begins with" type="search" value={search} maxLength={100} autoComplete="off" />
        {(known.length > 0 || inGroup !== '') && (
          <Choice label="Group" value={group} choices={groupChoices(known, inGroup, 'All keys')} />
        )}
        <Choice label="State" value={state} choices={STATES} />
        <Choice label="Sort" value={sort} choices={SORTS} />
      </div>
      <Answered question={page} lines={6}>
        {(first) =>
          first.data.length === 0 ? (
            <NoKeys isFiltered={name + state.value + group.value !== ''} onCreate={create} />
          ) : (
            <KeyTable key={JSON.stringify(filter)} first={first} filter={filter} groups={known} />
          )
        }
      </Answered>
      {isCreating.value && (
        <NewKey
          groups={groups.answer.value.value}
          group={group.value}
          onCreated={page.reload}
          onClose={() => (isCreating.value = false)}
        />
      )}
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
