/** The state of a key, as a word with a colour. */
import type { JSX } from 'preact'
import type { KeyState } from '../format/limits.ts'

const TEXTS: Readonly<Record<KeyState, string>> = {
  active: 'Active',
  disabled: 'Disabled',
  expired: 'Expired',
  deleted: 'Deleted',
}

export function StateBadge({ state }: { state: KeyState }): JSX.Element {
  return <span class={`badge badge-${state}`}>{TEXTS[state]}</span>
}
