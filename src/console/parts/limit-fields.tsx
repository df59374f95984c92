/** The fields of a budget and of limits. The forms of keys and of groups share them. */
import type { ComponentChildren, JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { LIMIT_NAMES, type NumberLimit } from '../format/limits.ts'
import type { LimitForm } from '../state/limit-form.ts'
import { Choice, TextField } from './field.tsx'

export function BudgetFields({ form }: { form: LimitForm }): JSX.Element {
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

export interface LimitFieldsProps {
  form: LimitForm
  /** The limits that have a field. */
  names: readonly NumberLimit[]
  /** What an empty field means, as a sentence and as the field's own text. */
  hint: string
  placeholder: string
  /** Whether a field among the children has a text. */
  hasMore?: boolean
  children?: ComponentChildren
}

/** Closed at first without such limits, since most keys need a budget alone. */
export function LimitFields({
  form,
  names,
  hint,
  placeholder,
  hasMore = false,
  children,
}: LimitFieldsProps): JSX.Element {
  const isOpen = useMemo(() => hasMore || names.some((limit) => form[limit].peek() !== ''), [form])
  return (
    <details open={isOpen}>
      <summary>Limits</summary>
      <p class="hint">{hint}</p>
      <div class="field-grid">
        {names.map((limit) => (
          <TextField
            key={limit}
            label={LIMIT_NAMES[limit]}
            type="number"
            min={1}
            max={1_000_000_000}
            step={1}
            value={form[limit]}
            placeholder={placeholder}
          />
        ))}
        {children}
      </div>
    </details>
  )
}
