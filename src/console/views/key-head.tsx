/** A key's name, state and facts, and what the operator can do with it. */
import { useSignal, type Signal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Key } from '../api/answers/keys.ts'
import type { CallError } from '../api/client.ts'
import { readGroup, readGroups, updateKey } from '../api/operator.ts'
import { limitRows, stateOf } from '../format/limits.ts'
import { Button } from '../parts/button.tsx'
import { Fact, Facts, LimitFacts, Origin } from '../parts/facts.tsx'
import { When } from '../parts/figures.tsx'
import { StateBadge } from '../parts/state-badge.tsx'
import { Failure } from '../parts/states.tsx'
import { announce } from '../state/announce.ts'
import { changeOf } from '../state/key-form.ts'
import { goTo, hrefOf } from '../state/route.ts'
import { callErrorOf, useAnswer } from '../state/use-answer.ts'
import { DeleteDialog, RotateDialog } from './key-actions.tsx'
import { KeyDialog } from './key-dialog.tsx'
import { type NewSecret, SecretDialog } from './secret-dialog.tsx'

type Open = 'edit' | 'rotate' | 'delete' | null

export function KeyHead({ subject, reload }: { subject: Key; reload: () => void }): JSX.Element {
  const open = useSignal<Open>(null)
  const made = useSignal<NewSecret | null>(null)
  const error = useSignal<CallError | null>(null)
  async function setDisabled(disabled: boolean): Promise<void> {
    error.value = null
    try {
      await updateKey(subject.id, { disabled })
      announce(`${disabled ? 'Disabled' : 'Enabled'} ${subject.name}.`)
      reload()
    } catch (thrown) {
      error.value = callErrorOf(thrown)
    }
  }
  return (
    <>
      <div class="page-head">
        <div class="title-line">
          <h1 tabIndex={-1}>{subject.name}</h1>
          <StateBadge state={stateOf(subject, Date.now())} />
        </div>
        <div class="actions">
          <Button onClick={() => (open.value = 'edit')}>Edit</Button>
          <Button onClick={() => (open.value = 'rotate')}>Rotate</Button>
          <Button onClick={() => void setDisabled(!subject.disabled)}>
            {subject.disabled ? 'Enable' : 'Disable'}
          </Button>
          <Button kind="danger" onClick={() => (open.value = 'delete')}>
            Delete
          </Button>
        </div>
      </div>
      {error.value !== null && <Failure error={error.value} />}
      <KeyFacts subject={subject} />
      <KeyDialogs subject={subject} open={open} made={made} reload={reload} />
    </>
  )
}

/** A deleted key also has the time of its end. */
export function KeyFacts({ subject }: { subject: Key & { deletedAt?: string | undefined } }): JSX.Element {
  const { deletedAt } = subject
  const limits = limitRows(subject.limits)
  return (
    <Facts>
      <Origin subject={subject} />
      {deletedAt === undefined ? (
        <Fact name="Expires">{subject.expiresAt === null ? 'Never' : <When at={subject.expiresAt} />}</Fact>
      ) : (
        <Fact name="Deleted">
          <When at={deletedAt} />
        </Fact>
      )}
      {subject.group != null && (
        <Fact name="Group">
          <GroupName id={subject.group} />
        </Fact>
      )}
      {limits.length === 0 && deletedAt === undefined && (
        <Fact name="Limits">None of its own: the gateway’s defaults apply</Fact>
      )}
      {subject.models !== undefined && <Fact name="Models">{subject.models.join(', ')}</Fact>}
      {subject.allowedAddresses !== undefined && (
        <Fact name="Addresses">{subject.allowedAddresses.join(', ')}</Fact>
      )}
      <LimitFacts rows={limits} />
    </Facts>
  )
}

/** A link to the group, or what it means that the group is gone. */
function GroupName({ id }: { id: string }): JSX.Element {
  const found = useAnswer(() => readGroup(id), [id])
  const answer = found.answer.value
  const name = answer.value?.name
  return (
    <>
      <a href={hrefOf({ page: 'group', id })}>{name === undefined ? <code>{id}</code> : name}</a>
      {answer.state === 'failed' && answer.error.status === 404 && (
        <p class="health-reason small">
          The group was deleted, so all requests of the key are refused. Edit the key to take it out.
        </p>
      )}
    </>
  )
}

interface KeyDialogsProps {
  subject: Key
  open: Signal<Open>
  made: Signal<NewSecret | null>
  reload: () => void
}

function KeyDialogs({ subject, open, made, reload }: KeyDialogsProps): JSX.Element {
  const groups = useAnswer(readGroups, [])
  const close = (): void => {
    open.value = null
  }
  return (
    <>
      {open.value === 'edit' && (
        <KeyDialog
          editing={subject}
          groups={groups.answer.value.value}
          onClose={close}
          onSave={async (form) => {
            await updateKey(subject.id, changeOf(form, subject))
            close()
            announce(`Saved ${form.name.value}.`)
            reload()
          }}
        />
      )}
      {open.value === 'rotate' && (
        <RotateDialog
          subject={subject}
          onClose={close}
          onRotated={(secret) => {
            close()
            made.value = secret
          }}
        />
      )}
      {open.value === 'delete' && (
        <DeleteDialog
          subject={subject}
          onClose={close}
          onDeleted={() => {
            announce(`Deleted ${subject.name}.`)
            goTo({ page: 'keys' })
          }}
        />
      )}
      {made.value !== null && <SecretDialog made={made.value} onClose={() => (made.value = null)} />}
    </>
  )
}
