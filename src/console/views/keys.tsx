/** The list of keys: search, sort, state, and the way to a new key. */
import { useSignal, type Signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { createKey, listKeys } from '../api/operator.ts'
import { Button } from '../parts/button.tsx'
import { Choice, TextField } from '../parts/field.tsx'
import { Answered, Empty } from '../parts/states.tsx'
import { announce } from '../state/announce.ts'
import { draftOf } from '../state/key-form.ts'
import { useAnswer } from '../state/use-answer.ts'
import { KeyDialog } from './key-dialog.tsx'
import { KeyTable } from './key-table.tsx'
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
