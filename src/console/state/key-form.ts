/** The form of a key: from a key to the fields' texts, and from the texts to what the API takes. Pure but for its signals. */
import { type Signal, signal } from '@preact/signals'
import type { Limits } from '../../limits/limits.ts'
import type { Key } from '../api/answers.ts'
import type { KeyChange, KeyDraft } from '../api/operator.ts'
import { NUMBER_LIMITS, type NumberLimit } from '../format/limits.ts'
import { fieldValueOf } from '../format/time.ts'

/** The fields that are lists. Their texts have spaces, commas or line breaks between the entries. */
const LIST_FIELDS = ['models', 'allowedAddresses'] as const
type ListField = (typeof LIST_FIELDS)[number]

export type KeyForm = Record<
  NumberLimit | ListField | 'name' | 'expiresAt' | 'mode' | 'budgetUsd' | 'budgetPeriod',
  Signal<string>
>

/** The fields of a key; without one those of a new key. */
export function formOf(key: Key | null): KeyForm {
  const limits: Limits = key?.limits ?? {}
  return {
    name: text(key?.name),
    expiresAt: text(key?.expiresAt ? fieldValueOf(key.expiresAt) : undefined),
    requestsPerMinute: text(limits.requestsPerMinute),
    requestsPerDay: text(limits.requestsPerDay),
    tokensPerMinute: text(limits.tokensPerMinute),
    concurrentRequests: text(limits.concurrentRequests),
    completionTokensPerRequest: text(limits.completionTokensPerRequest),
    mode: text(limits.mode),
    budgetUsd: text(limits.budget?.usd),
    budgetPeriod: text(limits.budget?.period ?? 'month'),
    models: text(key?.models?.join(', ')),
    allowedAddresses: text(key?.allowedAddresses?.join('\n')),
  }
}

function text(value: number | string | undefined): Signal<string> {
  return signal(value === undefined ? '' : `${value}`)
}

/** The body that creates the key. */
export function draftOf(form: KeyForm): KeyDraft {
  const lists = Object.fromEntries(
    LIST_FIELDS.flatMap((field) => {
      const entries = form[field].value.split(/[\s,]+/).filter((entry) => entry !== '')
      return entries.length === 0 ? [] : [[field, entries]]
    }),
  )
  return { name: form.name.value.trim(), expiresAt: expiryOf(form), limits: limitsOf(form), ...lists }
}

/** The body that changes the key. It has only the fields that differ, so that parallel changes of others survive. */
export function changeOf(form: KeyForm, key: Key): KeyChange {
  const draft = draftOf(form)
  const { name, expiresAt, limits } = draft
  const before = formOf(key)
  const changed = Object.fromEntries(
    ([...NUMBER_LIMITS, 'mode', 'budget'] as const).flatMap((limit) =>
      JSON.stringify(limits[limit]) === JSON.stringify(key.limits[limit])
        ? []
        : [[limit, limits[limit] ?? null]],
    ),
  )
  return {
    ...(name === key.name ? {} : { name }),
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

function limitsOf(form: KeyForm): Limits {
  const limits: Limits = {}
  for (const limit of NUMBER_LIMITS) {
    const text = form[limit].value.trim()
    if (text !== '') limits[limit] = Number(text)
  }
  const mode = MODES.find((known) => known === form.mode.value)
  if (mode !== undefined) limits.mode = mode
  const usd = form.budgetUsd.value.trim()
  const period = PERIODS.find((known) => known === form.budgetPeriod.value)
  if (usd !== '' && period !== undefined) limits.budget = { usd: Number(usd), period }
  return limits
}

const MODES = ['strict', 'balanced', 'lenient', 'exact'] as const
const PERIODS = ['day', 'month', 'total'] as const
