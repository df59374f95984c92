/** The usage that an isolate has shown to keys' holders, so that a page that is reloaded does not call the account each time. */
import { getOrCreate } from '../lru.ts'
import { MINUTE_MS } from './minute-counts.ts'

/** How long an answer is shown again, ms. */
export const USAGE_REMEMBERED_MS = 10_000
/** Questions of one key in a minute. Further ones are refused. */
export const USAGE_QUESTIONS_MAX = 60
/** Keys whose usage an isolate remembers, some 20 kB each, and 50 kB with tags, at most. The least recently used one is evicted. */
export const USAGE_KEYS_MAX = 500

interface Entry<Usage> {
  answer: Usage | null
  answeredAtMs: number
  minuteSinceMs: number
  questions: number
}

export class UsageMemory<Usage> {
  readonly #entries = new Map<string, Entry<Usage>>()

  /** Counts a question. Returns the time until the key may ask again, ms; 0 where it may ask now. */
  count(keyId: string, nowMs: number): number {
    const entry = this.#entryOf(keyId)
    const elapsedMs = nowMs - entry.minuteSinceMs
    if (elapsedMs < 0 || elapsedMs >= MINUTE_MS) {
      entry.minuteSinceMs = nowMs
      entry.questions = 0
    }
    entry.questions += 1
    return entry.questions > USAGE_QUESTIONS_MAX ? entry.minuteSinceMs + MINUTE_MS - nowMs : 0
  }

  /** The answer that is still fresh, or `null`. */
  get(keyId: string, nowMs: number): Usage | null {
    const { answer, answeredAtMs } = this.#entryOf(keyId)
    const ageMs = nowMs - answeredAtMs
    return ageMs >= 0 && ageMs < USAGE_REMEMBERED_MS ? answer : null
  }

  set(keyId: string, answer: Usage, nowMs: number): void {
    Object.assign(this.#entryOf(keyId), { answer, answeredAtMs: nowMs })
  }

  #entryOf(keyId: string): Entry<Usage> {
    return getOrCreate(this.#entries, keyId, USAGE_KEYS_MAX, () => ({
      answer: null,
      answeredAtMs: 0,
      minuteSinceMs: 0,
      questions: 0,
    }))
  }
}
