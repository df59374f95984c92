/** What the stages see of a key: its record without hashes, and its limits with the defaults where it has none. */
import type { Limits } from '../limits/limits.ts'
import { type ApiKey, type ApiKeyView, viewOf } from './api-key.ts'

export interface ShownKey {
  readonly view: ApiKeyView
  readonly limits: Limits
  readonly defaultLimits: Limits
}

export class ShownKeys {
  /** It goes with the record that the isolate remembers, so that it is made once and not for each request. */
  readonly #shown = new WeakMap<ApiKey, ShownKey>()

  of(key: ApiKey, defaultLimits: Limits): ShownKey {
    const known = this.#shown.get(key)
    if (known?.defaultLimits === defaultLimits) return known
    const made = { view: viewOf(key), limits: { ...defaultLimits, ...key.limits }, defaultLimits }
    this.#shown.set(key, made)
    return made
  }
}
