/** The form that creates or edits a key. */
import { useComputed, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { Key } from '../api/answers.ts'
import type { CallError } from '../api/client.ts'
import { LIMIT_NAMES, NUMBER_LIMITS } from '../format/limits.ts'
import { localTime, utcTime } from '../format/time.ts'
import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Choice, TextArea, TextField } from '../parts/field.tsx'
import { Failure } from '../parts/states.tsx'
import { formOf, type KeyForm } from '../state/key-form.ts'
import { callErrorOf } from '../state/use-answer.ts'

export interface KeyDialogProps {
  /** `null` for a new key. */
  editing: Key | null
  onClose: () => void
  /** Its rejection is shown in the form. */
  onSave: (form: KeyForm) => Promise<void>
}

export function KeyDialog({ editing, onClose, onSave }: KeyDialogProps): JSX.Element {
  const form = useMemo(() => formOf(editing), [editing])
  const busy = useSignal(false)
  const error = useSignal<CallError | null>(null)
  async function submit(): Promise<void> {
    busy.value = true
    error.value = null
    try {
      await onSave(form)
    } catch (thrown) {
      error.value = callErrorOf(thrown)
    }
    busy.value = false
  }
  return (
    <Dialog title={editing === null ? 'New key' : `Edit ${editing.name}`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
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
        <BudgetFields form={form} />
        <ExpiryField form={form} />
        <LimitFields form={form} />
        <ReachFields form={form} />
        {error.value !== null && <Failure error={error.value} />}
        <div class="actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={busy.value}>
            {editing === null ? 'Create key' : 'Save'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function BudgetFields({ form }: { form: KeyForm }): JSX.Element {
  return (
    <div class="field-pair">
      <TextField
        label="Budget in USD"
        type="number"
        min={0.000_001}
        max={1_000_000}
        step="any"
        value={form.budgetUsd}
        placeholder="No limit"
      />
      <Choice
        label="Budget period"
        value={form.budgetPeriod}
        choices={[
          ['day', 'A day (UTC)'],
          ['month', 'A month (UTC)'],
          ['total', 'In total'],
        ]}
      />
    </div>
  )
}

function ExpiryField({ form }: { form: KeyForm }): JSX.Element {
  const hint = useComputed(() => {
    const ms = Date.parse(form.expiresAt.value)
    return Number.isNaN(ms) ? 'Empty: the key does not expire.' : `${localTime(ms)} here, ${utcTime(ms)}.`
  })
  return <TextField label="Expires" type="datetime-local" value={form.expiresAt} hint={hint.value} />
}

/** Closed at first for a key without such limits, since most keys need a budget alone. */
function LimitFields({ form }: { form: KeyForm }): JSX.Element {
  const isOpen = useMemo(
    () => [...NUMBER_LIMITS, 'mode' as const].some((limit) => form[limit].peek() !== ''),
    [form],
  )
  return (
    <details open={isOpen}>
      <summary>Limits</summary>
      <p class="hint">
        An empty field takes the gateway’s default, which is no limit unless the operator set one.
      </p>
      <div class="field-grid">
        {NUMBER_LIMITS.map((limit) => (
          <TextField
            key={limit}
            label={LIMIT_NAMES[limit]}
            type="number"
            min={1}
            max={1_000_000_000}
            step={1}
            value={form[limit]}
            placeholder="Default"
          />
        ))}
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
      </div>
    </details>
  )
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
