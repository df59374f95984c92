/** The dialogs that rotate and delete a key. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Key } from '../api/answers/keys.ts'
import { deleteKey, rotateKey } from '../api/operator.ts'
import { Choice, TextField } from '../parts/field.tsx'
import { FormDialog } from '../parts/form-dialog.tsx'
import type { NewSecret } from './secret-dialog.tsx'

const GRACES = [
  ['0', 'It ends now'],
  ['3600', 'For 1 hour'],
  ['86400', 'For 1 day'],
  ['604800', 'For 7 days'],
  ['2592000', 'For 30 days'],
] as const

export interface RotateDialogProps {
  subject: Key
  onClose: () => void
  onRotated: (made: NewSecret) => void
}

export function RotateDialog({ subject, onClose, onRotated }: RotateDialogProps): JSX.Element {
  const grace = useSignal('3600')
  return (
    <FormDialog
      title={`Rotate ${subject.name}`}
      action="Make a new secret"
      onClose={onClose}
      act={async () => {
        const { name, secret, previousValidUntil } = await rotateKey(subject.id, Number(grace.value))
        onRotated({ name, secret, previousValidUntil })
      }}
    >
      <p>The key gets a new secret. Its limits and its usage stay.</p>
      <Choice
        label="The old secret stays good"
        value={grace}
        choices={GRACES}
        hint="Time to give the new secret to its holder."
      />
    </FormDialog>
  )
}

export interface DeleteDialogProps {
  subject: Key
  onClose: () => void
  onDeleted: () => void
}

export function DeleteDialog({ subject, onClose, onDeleted }: DeleteDialogProps): JSX.Element {
  const typed = useSignal('')
  return (
    <FormDialog
      title={`Delete ${subject.name}`}
      action="Delete for good"
      kind="danger"
      isReady={typed.value.trim() === subject.name.trim()}
      onClose={onClose}
      act={async () => {
        await deleteKey(subject.id)
        onDeleted()
      }}
    >
      <p>
        The key ends and cannot come back. Other locations may accept it for a minute. Its usage stays in the
        reports for 400 days.
      </p>
      <TextField
        label={`Type ${subject.name} to confirm`}
        value={typed}
        autoComplete="off"
        autoFocus
        hint="To stop a key for a while, disable it instead."
      />
    </FormDialog>
  )
}
