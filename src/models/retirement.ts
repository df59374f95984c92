/** What the operator is told of a model that ends. */
import { DAY_MS } from '../calendar.ts'
import { catalogModel, SUCCESSORS } from './catalog.ts'
import type { Model } from './model.ts'
import { type UsdRates, usdOf } from './prices.ts'

/** Days before a model's end from which on each isolate logs one warning. */
export const WARNING_DAYS = [1, 14, 60] as const

/** The warning that is due: one of `WARNING_DAYS`, 0 from the day of the end on, and `null` before all of them. */
export function dueWarning(shutdownDate: string | null, nowMs: number): number | null {
  if (shutdownDate === null) return null
  const leftMs = Date.parse(shutdownDate) - nowMs
  return [0, ...WARNING_DAYS].find((days) => leftMs <= days * DAY_MS) ?? null
}

/** A value of `MODELS` that moves the name to a successor, and what each successor costs beside the model. */
export function moveExample({ configuredAs, slug, prices }: Model): string {
  const successors = SUCCESSORS.filter((successor) => successor !== slug)
  const value = JSON.stringify({ [configuredAs]: successors[0] })
  const costs = successors.map((name) => costText(name, catalogModel(name)?.usdPerMillionTokens ?? {}))
  return `For example ${value}. Dollars for a million tokens of input and of output: ${[costText(slug, usdOf(prices)), ...costs].join(', ')}.`
}

function costText(slug: string, { input, output }: Partial<UsdRates>): string {
  return `${slug} ${input} and ${output}`
}
