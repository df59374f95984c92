/** The form that creates or edits a group. */
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { Group } from '../api/answers/keys.ts'
import { GROUP_LIMITS } from '../format/limits.ts'
import { TextField } from '../parts/field.tsx'
import { FormDialog } from '../parts/form-dialog.tsx'
import { BudgetFields, LimitFields } from '../parts/limit-fields.tsx'
import { type GroupForm, groupFormOf } from '../state/group-form.ts'

export interface GroupDialogProps {
  /** `null` for a new group. */
  editing: Group | null
  onClose: () => void
  /** Its rejection is shown in the form. */
  onSave: (form: GroupForm) => Promise<void>
}

export function GroupDialog({ editing, onClose, onSave }: GroupDialogProps): JSX.Element {
  const form = useMemo(() => groupFormOf(editing), [editing])
  return (
    <FormDialog
      title={editing === null ? 'New group' : `Edit ${editing.name}`}
      action={editing === null ? 'Create group' : 'Save'}
      onClose={onClose}
      act={() => onSave(form)}
    >
      <TextField
        label="Name"
        value={form.name}
        hint="The team, the customer or the project whose keys share the limits."
        maxLength={100}
        autoComplete="off"
        required
        autoFocus
      />
      <BudgetFields form={form} />
      <LimitFields
        form={form}
        names={GROUP_LIMITS}
        hint="They hold for all keys of the group together, to the request. An empty field is no limit."
        placeholder="No limit"
      />
    </FormDialog>
  )
}
