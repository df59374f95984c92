/** The form of a key: from a key to the fields' texts, and from the texts to what the API takes. Pure but for its signals. */
import type { Signal } from '@preact/signals'
import type { Limits } from '../../limits/limits.ts'
import type { Key } from '../api/answers/keys.ts'
import type { KeyChange, KeyDraft } from '../api/bodies.ts'
import { fieldValueOf } from '../format/time.ts'
import { limitChanges, limitFieldsOf, type LimitForm, limitsOf, textSignal } from './limit-form.ts'

/** The fields that are lists. Their texts have spaces, commas or line breaks between the entries. */
const LIST_FIELDS = ['models', 'allowedAddresses'] as const
type ListField = (typeof LIST_FIELDS)[number]

/** `group` is the id of a group, or empty. */
export type KeyForm = LimitForm & Record<ListField | 'name' | 'group' | 'expiresAt' | 'mode', Signal<string>>

/** The fields of a key; without one those of a new key in the group. */
export function formOf(key: Key | null, group = ''): KeyForm {
  const limits: Limits = key?.limits ?? {}
  return {
    name: textSignal(key?.name),
    group: textSignal(key === null ? group : (key.group ?? '')),
    expiresAt: textSignal(key?.expiresAt ? fieldValueOf(key.expiresAt) : undefined),
    ...limitFieldsOf(limits),
    mode: textSignal(limits.mode),
    models: textSignal(key?.models?.join(', ')),
    allowedAddresses: textSignal(key?.allowedAddresses?.join('\n')),
  }
}

/** The body that creates the key. */
export function draftOf(form: KeyForm): KeyDraft {
  const lists = Object.fromEntries(
    LIST_FIELDS.flatMap((field) => {
      const entries = form[field].value.split(/[\s,]+/).filter((entry) => entry !== '')
      return entries.length === 0 ? [] : [[field, entries]]
    }),
  )
  return {
    name: form.name.value.trim(),
    expiresAt: expiryOf(form),
    limits: keyLimitsOf(form),
    ...(form.group.value === '' ? {} : { group: form.group.value }),
    ...lists,
  }
}

/** The body that changes the key. It has only the fields that differ, so that parallel changes of others survive. */
export function changeOf(form: KeyForm, key: Key): KeyChange {
  const draft = draftOf(form)
  const { name, expiresAt, limits, group = null } = draft
  const before = formOf(key)
  const changed = limitChanges(limits, key.limits)
  return {
    ...(name === key.name ? {} : { name }),
    ...(form.group.value === before.group.value ? {} : { group }),
    // The field has whole minutes, so an expiry to the second is no change while its text is the same.
    ...(form.expiresAt.value === before.expiresAt.value ? {} : { expiresAt }),
    ...(Object.keys(changed).length === 0 ? {} : { limits: changed }),
    ...Object.fromEntries(
      LIST_FIELDS.flatMap((field) =>
        JSON.stringify(draft[field]) === JSON.stringify(key[field]) ? [] : [[field, draft[field] ?? null]],
      ),
    ),
  }
}

/** A field's text is in the viewer's zone. */
function expiryOf({ expiresAt }: KeyForm): string | null {
  return expiresAt.value === '' ? null : new Date(expiresAt.value).toISOString()
}

function keyLimitsOf(form: KeyForm): Limits {
  const limits = limitsOf(form)
  const mode = MODES.find((known) => known === form.mode.value)
  if (mode !== undefined) limits.mode = mode
  return limits
}

const MODES = ['strict', 'balanced', 'lenient', 'exact'] as const
