/** The calendar of retirements: the models in use, their announced ends, and what their successors would have cost. */
import { DAY_MS, dateOf } from '../../calendar.ts'
import type { ListedModel } from '../api/answers/deployment.ts'
import { readModels, readUsageByModel } from '../api/operator.ts'

export interface ModelEnd {
  /** The public name. */
  model: string
  /** `null` for a model that is no longer among the gateway's. */
  slug: string | null
  /** `null` where no end is announced. */
  shutdownDate: string | null
  /** UTC days until the end, negative after it. */
  daysLeft: number | null
  costUsd: number
  /** In the order of the successors; `null` for the model itself. */
  onSuccessorsUsd: (number | null)[]
}

export interface Retirements {
  /** The soonest end first. */
  ends: ModelEnd[]
  successors: string[]
  /** Values of `MODELS` that move each name that ends to the first successor. */
  moves: Record<string, string>
}

/** @throws CallError */
export async function readRetirements(from: string, to: string): Promise<Retirements> {
  const [{ data: models, successors }, used] = await Promise.all([readModels(), readUsageByModel(from, to)])
  const priced = await Promise.all(successors.map((slug) => readUsageByModel(from, to, slug)))
  const names = used.data.length === 0 ? ownNames(models) : used.data.map(({ model }) => model)
  const nowMs = Date.now()
  const ends = names.map((model): ModelEnd => {
    const { slug = null, shutdownDate = null } = models.find(({ id }) => id === model) ?? {}
    const onSuccessorsUsd = priced.map(({ data }, at) =>
      successors[at] === slug ? null : (data.find((row) => row.model === model)?.pricedAsUsd ?? 0),
    )
    const costUsd = used.data.find((row) => row.model === model)?.costUsd ?? 0
    return { model, slug, shutdownDate, daysLeft: daysUntil(shutdownDate, nowMs), costUsd, onSuccessorsUsd }
  })
  const sorted = ends.toSorted(bySoonestEnd)
  return { ends: sorted, successors, moves: movesOf(sorted, models, successors) }
}

/** Names that no other name decides on: without any use, aliases would only repeat them. */
function ownNames(models: readonly ListedModel[]): string[] {
  return models.filter(({ id, configuredAs }) => id === configuredAs).map(({ id }) => id)
}

function daysUntil(date: string | null, nowMs: number): number | null {
  return date === null ? null : (Date.parse(date) - Date.parse(dateOf(nowMs))) / DAY_MS
}

function bySoonestEnd(a: ModelEnd, b: ModelEnd): number {
  return (a.daysLeft ?? Number.MAX_SAFE_INTEGER) - (b.daysLeft ?? Number.MAX_SAFE_INTEGER)
}

/** An alias moves with the name that decides on it. */
function movesOf(
  ends: readonly ModelEnd[],
  models: readonly ListedModel[],
  [successor]: readonly string[],
): Record<string, string> {
  if (successor === undefined) return {}
  return Object.fromEntries(
    ends.flatMap(({ model, shutdownDate, slug }) => {
      const listed = models.find(({ id }) => id === model)
      return shutdownDate === null || slug === successor || listed === undefined
        ? []
        : [[listed.configuredAs, successor]]
    }),
  )
}
