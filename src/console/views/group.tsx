/** One group: its limits, what is left of them, its keys, and its usage. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Group } from '../api/answers/keys.ts'
import { CallError } from '../api/client.ts'
import { type KeyFilter, listKeys, readGroup, readGroupUsage } from '../api/operator.ts'
import { Button } from '../parts/button.tsx'
import { RangeUsageView } from '../parts/range-usage.tsx'
import { Answered, Empty } from '../parts/states.tsx'
import { hrefOf } from '../state/route.ts'
import { useAnswer } from '../state/use-answer.ts'
import { GroupActions, GroupFacts } from './group-head.tsx'
import { KeyTable } from './key-table.tsx'
import { NewKey } from './new-key.tsx'

/** `null` for an id that no group has. @throws CallError */
async function findGroup(id: string): Promise<Group | null> {
  try {
    return await readGroup(id)
  } catch (error) {
    if (error instanceof CallError && error.status === 404) return null
    throw error
  }
}

export function GroupPage({ id }: { id: string }): JSX.Element {
  // An answer has the group in a field of its own, since `null` is no answer yet.
  const found = useAnswer(async () => ({ group: await findGroup(id) }), [id])
  const group = found.answer.value.value?.group
  return (
    <>
      <p class="back">
        <a href={hrefOf({ page: 'groups' })}>Groups</a>
      </p>
      <div class="page-head">
        {/* It is one element before and after the answer, so that it keeps the focus. */}
        <h1 tabIndex={-1}>{group === undefined ? 'Group' : (group?.name ?? 'No such group')}</h1>
        {group != null && <GroupActions subject={group} reload={found.reload} />}
      </div>
      <Answered question={found} lines={2}>
        {({ group: shown }) => (shown === null ? <NoGroup id={id} /> : <GroupFacts subject={shown} />)}
      </Answered>
      {group != null && (
        <RangeUsageView id={id} none="This group has no limits." read={readGroupUsage}>
          <GroupKeys group={group} />
        </RangeUsageView>
      )}
    </>
  )
}

function NoGroup({ id }: { id: string }): JSX.Element {
  return (
    <Empty title="No group has this id">
      <p class="muted">
        <code>{id}</code> was deleted, or was never created here.
      </p>
    </Empty>
  )
}

function GroupKeys({ group }: { group: Group }): JSX.Element {
  const isCreating = useSignal(false)
  const filter: KeyFilter = { name: '', state: '', group: group.id, sort: 'cost' }
  const page = useAnswer(() => listKeys(filter, null), [group.id])
  return (
    <>
      <div class="section-head">
        <h2>Keys</h2>
        <Button onClick={() => (isCreating.value = true)}>New key in this group</Button>
      </div>
      <Answered question={page} lines={3}>
        {(first) =>
          first.data.length === 0 ? (
            <Empty title="No key is in this group">
              <p class="muted">Make a new key, or edit a key to choose this group.</p>
            </Empty>
          ) : (
            <KeyTable first={first} filter={filter} groups={null} />
          )
        }
      </Answered>
      {isCreating.value && (
        <NewKey
          groups={[group]}
          group={group.id}
          onCreated={page.reload}
          onClose={() => (isCreating.value = false)}
        />
      )}
    </>
  )
}
