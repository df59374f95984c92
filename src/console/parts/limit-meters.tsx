/** What is left of the limits of a key or a group, and when it renews. The operator's and the holder's pages share it. */
import type { ComponentChildren, JSX } from 'preact'
import type { LimitsNow } from '../api/answers/usage.ts'
import { LIMIT_NAMES, budgetText } from '../format/limits.ts'
import { count, usd } from '../format/numbers.ts'
import { until } from '../format/time.ts'
import { When } from './figures.tsx'
import { Meter } from './meter.tsx'

const MEASURED = ['requestsPerMinute', 'requestsPerDay', 'tokensPerMinute', 'concurrentRequests'] as const

export interface LimitMetersProps {
  shown: LimitsNow
  title: ComponentChildren
  /** The sentence that stands in the place of limits. */
  none: string
}

/** Limits of a minute have no meter where the answer does not say how much of them is left. */
export function LimitMeters({ shown, title, none }: LimitMetersProps): JSX.Element {
  const { limits, remaining, renewsAt, asOf } = shown
  const { budget, completionTokensPerRequest } = limits
  const measured = MEASURED.flatMap((name) => {
    const [limit, left] = [limits[name], remaining[name]]
    return limit === undefined || left === undefined ? [] : [{ name, limit, left }]
  })
  const isPartial = MEASURED.some((name) => limits[name] !== undefined && remaining[name] === undefined)
  const hasNone =
    !isPartial && budget === undefined && completionTokensPerRequest === undefined && measured.length === 0
  return (
    <section class="card">
      <h2>{title}</h2>
      {hasNone && <p class="muted">{none}</p>}
      <div class="meters">
        {budget !== undefined && remaining.budgetUsd !== undefined && (
          <Meter
            name="Budget"
            of={budgetText(budget)}
            used={budget.usd - remaining.budgetUsd}
            limit={budget.usd}
            left={`${usd(remaining.budgetUsd)} left`}
            renewal={
              renewsAt.budgetUsd ? (
                <>
                  Renews <When at={renewsAt.budgetUsd} />
                </>
              ) : (
                'Does not renew'
              )
            }
          />
        )}
        {measured.map(({ name, limit, left }) => (
          <Meter
            key={name}
            name={LIMIT_NAMES[name]}
            of={count(limit)}
            used={limit - left}
            limit={limit}
            left={`${count(left)} left`}
            renewal={renewalOf(name === 'concurrentRequests' ? undefined : renewsAt[name], asOf)}
          />
        ))}
      </div>
      {isPartial && (
        <p class="hint">
          Each location counts the limits of a minute for itself. The holder’s page shows them.
        </p>
      )}
      {completionTokensPerRequest !== undefined && (
        <p class="hint">
          A request may ask for {count(completionTokensPerRequest)} completion tokens at most, reasoning
          included.
        </p>
      )}
    </section>
  )
}

function renewalOf(at: string | undefined, asOf: string): string {
  if (at === undefined) return 'Renews as requests end'
  const waitMs = Date.parse(at) - Date.parse(asOf)
  return waitMs <= 0 ? 'Nothing used' : `Whole again ${until(waitMs)}`
}
