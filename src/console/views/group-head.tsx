/** A group's facts, and what the operator can do with it. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Group } from '../api/answers/keys.ts'
import { deleteGroup, updateGroup } from '../api/operator.ts'
import { limitRows } from '../format/limits.ts'
import { Button } from '../parts/button.tsx'
import { Fact, Facts, LimitFacts, Origin } from '../parts/facts.tsx'
import { FormDialog } from '../parts/form-dialog.tsx'
import { announce } from '../state/announce.ts'
import { groupChangeOf } from '../state/group-form.ts'
import { goTo, hrefOf } from '../state/route.ts'
import { GroupDialog } from './group-dialog.tsx'

export function GroupActions({ subject, reload }: { subject: Group; reload: () => void }): JSX.Element {
  const open = useSignal<'edit' | 'delete' | null>(null)
  const close = (): void => {
    open.value = null
  }
  return (
    <>
      <div class="actions">
        <Button onClick={() => (open.value = 'edit')}>Edit</Button>
        <Button kind="danger" onClick={() => (open.value = 'delete')}>
          Delete
        </Button>
      </div>
      {open.value === 'edit' && (
        <GroupDialog
          editing={subject}
          onClose={close}
          onSave={async (form) => {
            await updateGroup(subject.id, groupChangeOf(form, subject))
            close()
            announce(`Saved ${form.name.value}.`)
            reload()
          }}
        />
      )}
      {open.value === 'delete' && <DeleteGroup subject={subject} onClose={close} />}
    </>
  )
}

export function GroupFacts({ subject }: { subject: Group }): JSX.Element {
  const limits = limitRows(subject.limits)
  return (
    <Facts>
      <Origin subject={subject} />
      {limits.length === 0 && <Fact name="Limits">None: its keys have their own limits alone</Fact>}
      <LimitFacts rows={limits} />
    </Facts>
  )
}

/** A group without keys refuses nobody, so its name need not be typed. */
function DeleteGroup({ subject, onClose }: { subject: Group; onClose: () => void }): JSX.Element {
  return (
    <FormDialog
      title={`Delete ${subject.name}`}
      action="Delete for good"
      kind="danger"
      onClose={onClose}
      act={async () => {
        await deleteGroup(subject.id)
        announce(`Deleted the group ${subject.name}.`)
        goTo({ page: 'groups' })
      }}
      remedyOf={({ code }) =>
        code === 'group_not_empty' && (
          <a href={hrefOf({ page: 'keys', group: subject.id })}>The keys of this group</a>
        )
      }
    >
      <p>
        The group ends and cannot come back. Only a group without keys can be deleted. Its usage stays in the
        reports for 400 days.
      </p>
    </FormDialog>
  )
}
