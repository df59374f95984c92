/** The form that creates or edits a key. */
import { useComputed } from '@preact/signals'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { Group, Key } from '../api/answers/keys.ts'
import { NUMBER_LIMITS } from '../format/limits.ts'
import { localTime, utcTime } from '../format/time.ts'
import { Choice, TextArea, TextField } from '../parts/field.tsx'
import { FormDialog } from '../parts/form-dialog.tsx'
import { BudgetFields, LimitFields } from '../parts/limit-fields.tsx'
import { groupChoices } from '../state/group-choices.ts'
import { formOf, type KeyForm } from '../state/key-form.ts'

export interface KeyDialogProps {
  /** `null` for a new key. */
  editing: Key | null
  /** Those to choose from; `null` where they have not loaded. */
  groups: readonly Group[] | null
  /** The group that a new key has at first; empty for none. */
  group?: string
  onClose: () => void
  /** Its rejection is shown in the form. */
  onSave: (form: KeyForm) => Promise<void>
}

export function KeyDialog({ editing, groups, group = '', onClose, onSave }: KeyDialogProps): JSX.Element {
  const form = useMemo(() => formOf(editing, group), [editing, group])
  return (
    <FormDialog
      title={editing === null ? 'New key' : `Edit ${editing.name}`}
      action={editing === null ? 'Create key' : 'Save'}
      onClose={onClose}
      act={() => onSave(form)}
    >
      <TextField
        label="Name"
        value={form.name}
        hint="The app or the person that gets the key."
        maxLength={100}
        autoComplete="off"
        required
        autoFocus
      />
      <GroupField form={form} groups={groups} />
      <BudgetFields form={form} />
      <ExpiryField form={form} />
      <LimitFields
        form={form}
        names={NUMBER_LIMITS}
        hint="An empty field takes the gateway’s default, which is no limit unless the operator set one."
        placeholder="Default"
        hasMore={form.mode.peek() !== ''}
      >
        <Choice
          label="Mode of the minute limits"
          value={form.mode}
          choices={[
            ['', 'Default'],
            ['strict', 'Strict'],
            ['balanced', 'Balanced'],
            ['lenient', 'Lenient'],
            ['exact', 'Exact'],
          ]}
        />
      </LimitFields>
      <ReachFields form={form} />
    </FormDialog>
  )
}

/** Absent where there is no group. */
function GroupField({
  form,
  groups,
}: Pick<KeyDialogProps, 'groups'> & { form: KeyForm }): JSX.Element | null {
  const first = useMemo(() => form.group.peek(), [form])
  if (groups?.length === 0 && first === '') return null
  return (
    <Choice
      label="Group"
      value={form.group}
      choices={groupChoices(groups ?? [], first, 'None')}
      hint={
        groups === null
          ? 'The groups have not loaded, so none can be chosen. Reload the page.'
          : 'The key shares the limits and the budget of its group, beside its own.'
      }
    />
  )
}

function ExpiryField({ form }: { form: KeyForm }): JSX.Element {
  const hint = useComputed(() => {
    const ms = Date.parse(form.expiresAt.value)
    return Number.isNaN(ms) ? 'Empty: the key does not expire.' : `${localTime(ms)} here, ${utcTime(ms)}.`
  })
  return <TextField label="Expires" type="datetime-local" value={form.expiresAt} hint={hint.value} />
}

/** Closed at first for a key without such lists. */
function ReachFields({ form }: { form: KeyForm }): JSX.Element {
  const isOpen = useMemo(() => form.models.peek() !== '' || form.allowedAddresses.peek() !== '', [form])
  return (
    <details open={isOpen}>
      <summary>Models and addresses</summary>
      <TextField
        label="Models"
        value={form.models}
        placeholder="All"
        hint="Names from GET /admin/models, with commas between them. A name allows its aliases too."
        autoComplete="off"
      />
      <TextArea
        label="Allowed addresses"
        value={form.allowedAddresses}
        rows={3}
        placeholder="Any"
        hint="IPv4 and IPv6 addresses and ranges, such as 203.0.113.0/24. The key works from no other address."
      />
    </details>
  )
}
