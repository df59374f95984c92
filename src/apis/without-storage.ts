/** Inputs that leave nothing behind in the vendor's account. */
import type { Inputs } from './api.ts'

/**
 * The inputs with `store: false`, and the caller's parameters that have no effect then. An absent `store` is not enough:
 * OpenAI stores responses by default, and the chat completions of new accounts too.
 *
 * @param onlyWithStore The parameters that the API refuses without `store: true`. They go where the caller had set it.
 */
export function withoutStorage(
  inputs: Inputs,
  onlyWithStore: readonly string[],
): { inputs: Inputs; dropped: readonly string[] } {
  if (inputs['store'] === false) return { inputs, dropped: [] }
  if (inputs['store'] !== true) return { inputs: { ...inputs, store: false }, dropped: [] }
  const labels = onlyWithStore.filter((name) => inputs[name] != null)
  const kept = Object.entries(inputs).filter(([name]) => !labels.includes(name))
  return { inputs: { ...Object.fromEntries(kept), store: false }, dropped: ['store', ...labels] }
}

/**
 * The inputs without the parameters that the API refuses unless the answer is stored: chat completions answer `metadata` with 400
 * "The 'metadata' parameter is only allowed when 'store' is enabled.", seen in https://github.com/tmc/langchaingo/issues/1484.
 */
export function withoutLabels(
  inputs: Inputs,
  onlyWithStore: readonly string[],
): { inputs: Inputs; dropped: readonly string[] } {
  const dropped = inputs['store'] === true ? [] : onlyWithStore.filter((name) => inputs[name] != null)
  if (dropped.length === 0) return { inputs, dropped }
  const kept = Object.entries(inputs).filter(([name]) => !dropped.includes(name))
  return { inputs: Object.fromEntries(kept), dropped }
}
