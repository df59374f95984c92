/** The page of a key's holder: limits with what is left of them, and what the key took. */
import type { JSX } from 'preact'
import type { HolderUsage } from '../api/answers.ts'
import { holderUsage } from '../api/answers.ts'
import { call, CallError } from '../api/client.ts'
import { LIMIT_NAMES, budgetText } from '../format/limits.ts'
import { count, usd } from '../format/numbers.ts'
import { localClockTime, until, utcTime } from '../format/time.ts'
import { Button } from '../parts/button.tsx'
import { When } from '../parts/figures.tsx'
import { Meter } from '../parts/meter.tsx'
import { Answered } from '../parts/states.tsx'
import { UsageDays, UsageModels, UsageSums } from '../parts/usage-figures.tsx'
import { holderSession } from '../state/session.ts'
import { useAnswer } from '../state/use-answer.ts'

/** @throws CallError. A secret that is refused ends the session. */
export async function readHolderUsage(secret: string): Promise<HolderUsage> {
  try {
    return await call(holderUsage, secret, '/v1/usage')
  } catch (error) {
    if (error instanceof CallError && error.status === 401) holderSession.refuse(error.message)
    throw error
  }
}

export function HolderPage({ secret }: { secret: string }): JSX.Element {
  const usage = useAnswer(() => readHolderUsage(secret), [secret])
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>Your key</h1>
        <Button onClick={usage.reload} busy={usage.answer.value.state === 'loading'}>
          Refresh
        </Button>
      </div>
      <Answered question={usage} lines={8}>
        {(shown) => (
          <>
            <AsOf at={shown.asOf} />
            <Limits shown={shown} />
            <section class="card">
              <h2>Today</h2>
              <UsageSums sums={shown.today} />
            </section>
            <section class="card">
              <h2>This month</h2>
              <UsageSums sums={shown.month} />
            </section>
            <UsageDays days={shown.days} />
            <UsageModels models={shown.models} />
          </>
        )}
      </Answered>
    </>
  )
}

function AsOf({ at }: { at: string }): JSX.Element {
  const ms = Date.parse(at)
  return (
    <p class="muted small as-of">
      As of {localClockTime(ms)} <span class="utc">({utcTime(ms)})</span>, up to 10 seconds old. Days begin at
      00:00 UTC.
    </p>
  )
}

const MEASURED = ['requestsPerMinute', 'requestsPerDay', 'tokensPerMinute', 'concurrentRequests'] as const

function Limits({ shown }: { shown: HolderUsage }): JSX.Element {
  const { limits, remaining, renewsAt, asOf } = shown
  const { budget, completionTokensPerRequest } = limits
  const measured = MEASURED.flatMap((name) => {
    const [limit, left] = [limits[name], remaining[name]]
    return limit === undefined || left === undefined ? [] : [{ name, limit, left }]
  })
  const hasNone = budget === undefined && completionTokensPerRequest === undefined && measured.length === 0
  return (
    <section class="card">
      <h2>What is left</h2>
      {hasNone && <p class="muted">This key has no limits.</p>}
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
