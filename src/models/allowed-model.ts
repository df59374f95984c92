/** Whether a key may use a model. */
import type { Model } from './model.ts'

/**
 * A key that names no models may use all. A name stands for its aliases too: `o3-mini` allows `o3-mini-2025-01-31` and
 * `openai/o3-mini`, unless they have rows of their own in `MODELS`. An alias allows itself alone.
 */
export function isModelAllowed(model: Model, allowed: readonly string[] | undefined): boolean {
  return allowed === undefined || allowed.includes(model.id) || allowed.includes(model.configuredAs)
}
