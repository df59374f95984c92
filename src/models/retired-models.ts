/** The models that the upstream has called gone, so that an isolate does not ask each of them at every request. */

/** How long a model counts as gone, ms. A model that comes back is asked again then. */
export const RETIRED_MS = 600_000

/** It has at most one entry for each slug of the table. */
export class RetiredModels {
  readonly #untilMs = new Map<string, number>()

  has(slug: string, nowMs: number): boolean {
    return nowMs < (this.#untilMs.get(slug) ?? 0)
  }

  add(slug: string, nowMs: number): void {
    this.#untilMs.set(slug, nowMs + RETIRED_MS)
  }
}
