/** Creates a key: its form, and then its secret. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Group } from '../api/answers/keys.ts'
import { createKey } from '../api/operator.ts'
import { announce } from '../state/announce.ts'
import { draftOf } from '../state/key-form.ts'
import { KeyDialog } from './key-dialog.tsx'
import { type NewSecret, SecretDialog } from './secret-dialog.tsx'

export interface NewKeyProps {
  /** Those to choose from; `null` where they have not loaded. */
  groups: readonly Group[] | null
  /** The group that is chosen at first; empty for none. */
  group: string
  onCreated: () => void
  /** After the secret was shown, or without a key. */
  onClose: () => void
}

export function NewKey({ groups, group, onCreated, onClose }: NewKeyProps): JSX.Element {
  const made = useSignal<NewSecret | null>(null)
  if (made.value !== null) return <SecretDialog made={made.value} onClose={onClose} />
  return (
    <KeyDialog
      editing={null}
      groups={groups}
      group={group}
      onClose={onClose}
      onSave={async (form) => {
        const { name, secret } = await createKey(draftOf(form))
        made.value = { name, secret }
        announce(`Created the key ${name}.`)
        onCreated()
      }}
    />
  )
}
