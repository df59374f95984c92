/** A labelled field of a form, with a hint below. */
import type { Signal } from '@preact/signals'
import { h, type ComponentChildren, type JSX, type TargetedInputEvent } from 'preact'
import { useId } from 'preact/hooks'

interface Labelled {
  label: string
  hint?: ComponentChildren
}

export interface TextFieldProps extends Labelled {
  value: Signal<string>
  type?: 'text' | 'password' | 'number' | 'datetime-local' | 'search'
  placeholder?: string
  required?: boolean
  autoFocus?: boolean
  autoComplete?: string
  min?: number
  max?: number
  step?: number | 'any'
  maxLength?: number
}

export function TextField({
  label,
  hint,
  value,
  type = 'text',
  autoFocus = false,
  ...rest
}: TextFieldProps): JSX.Element {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {/* JSX types an input by its literal type, and here the caller chooses the type. */}
      {h('input', {
        id,
        type,
        value: value.value,
        spellcheck: false,
        'aria-describedby': hint === undefined ? undefined : `${id}-hint`,
        onInput: (event: TargetedInputEvent<HTMLInputElement>) => (value.value = event.currentTarget.value),
        autofocus: autoFocus,
        ...rest,
      })}
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

export interface TextAreaProps extends Labelled {
  value: Signal<string>
  rows: number
  placeholder?: string
  onSubmit?: () => void
}

/** Ctrl or Cmd with Enter submits. */
export function TextArea({ label, hint, value, rows, placeholder, onSubmit }: TextAreaProps): JSX.Element {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        rows={rows}
        value={value.value}
        placeholder={placeholder}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onInput={(event) => (value.value = event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) onSubmit?.()
        }}
      />
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

export interface ChoiceProps extends Labelled {
  value: Signal<string>
  choices: readonly (readonly [value: string, text: string])[]
}

export function Choice({ label, hint, value, choices }: ChoiceProps): JSX.Element {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value.value}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onChange={(event) => (value.value = event.currentTarget.value)}
      >
        {choices.map(([choice, text]) => (
          <option key={choice} value={choice}>
            {text}
          </option>
        ))}
      </select>
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

/** A few choices side by side, one of them pressed. */
export function Segments({ label, value, choices }: ChoiceProps): JSX.Element {
  return (
    <div class="segments" role="group" aria-label={label}>
      {choices.map(([choice, text]) => (
        <button
          key={choice}
          type="button"
          aria-pressed={value.value === choice}
          onClick={() => (value.value = choice)}
        >
          {text}
        </button>
      ))}
    </div>
  )
}
