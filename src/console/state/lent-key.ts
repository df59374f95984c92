/** The playground's own key: short-lived, with a small budget, deleted at the end of the session and of the page. */
import { signal } from '@preact/signals'
import { createKey, deleteKey } from '../api/operator.ts'

/** Its life, ms, should the page end without deleting it. */
export const LENT_KEY_LIFE_MS = 3_600_000
/** Its budget in all, USD. */
export const LENT_KEY_BUDGET_USD = 1

export interface LentKey {
  id: string
  secret: string
  expiresAt: string
}

/** `null` until the first prompt. */
export const lentKey = signal<LentKey | null>(null)

/** The secret to use, from the key that is there or from a new one. */
export async function lentSecret(): Promise<string> {
  const nowMs = Date.now()
  const held = lentKey.value
  if (held !== null && Date.parse(held.expiresAt) > nowMs) return held.secret
  const expiresAt = new Date(nowMs + LENT_KEY_LIFE_MS).toISOString()
  const { id, secret } = await createKey({
    name: `Playground ${expiresAt.slice(0, 16)}`,
    expiresAt,
    limits: { budget: { usd: LENT_KEY_BUDGET_USD, period: 'total' } },
  })
  lentKey.value = { id, secret, expiresAt }
  return secret
}

/** Deletes the key. A failure is no harm: the key expires. */
export async function endLentKey(options: { keepalive?: boolean } = {}): Promise<void> {
  const held = lentKey.value
  if (held === null) return
  lentKey.value = null
  await deleteKey(held.id, options).catch(() => undefined)
}

addEventListener('pagehide', () => void endLentKey({ keepalive: true }))
