/** The fields of limits, which the forms of keys and of groups share: from limits to texts, and back. Pure but for its signals. */
import { type Signal, signal } from '@preact/signals'
import { type Limits, PERIODS } from '../../limits/limits.ts'
import type { LimitChanges } from '../api/bodies.ts'
import { NUMBER_LIMITS, type NumberLimit } from '../format/limits.ts'

export type LimitForm = Record<NumberLimit | 'budgetUsd' | 'budgetPeriod', Signal<string>>

export function limitFieldsOf(limits: Limits): LimitForm {
  return {
    requestsPerMinute: textSignal(limits.requestsPerMinute),
    requestsPerDay: textSignal(limits.requestsPerDay),
    tokensPerMinute: textSignal(limits.tokensPerMinute),
    concurrentRequests: textSignal(limits.concurrentRequests),
    completionTokensPerRequest: textSignal(limits.completionTokensPerRequest),
    budgetUsd: textSignal(limits.budget?.usd),
    budgetPeriod: textSignal(limits.budget?.period ?? 'month'),
  }
}

export function textSignal(value: number | string | undefined): Signal<string> {
  return signal(value === undefined ? '' : `${value}`)
}

export function limitsOf(form: LimitForm): Limits {
  const limits: Limits = {}
  for (const limit of NUMBER_LIMITS) {
    const text = form[limit].value.trim()
    if (text !== '') limits[limit] = Number(text)
  }
  const usd = form.budgetUsd.value.trim()
  const period = PERIODS.find((known) => known === form.budgetPeriod.value)
  if (usd !== '' && period !== undefined) limits.budget = { usd: Number(usd), period }
  return limits
}

/** The limits that differ, `null` for one that is gone. Empty where all are the same. */
export function limitChanges(limits: Limits, before: Limits): LimitChanges {
  return Object.fromEntries(
    ([...NUMBER_LIMITS, 'mode', 'budget'] as const).flatMap((limit) =>
      JSON.stringify(limits[limit]) === JSON.stringify(before[limit]) ? [] : [[limit, limits[limit] ?? null]],
    ),
  )
}
