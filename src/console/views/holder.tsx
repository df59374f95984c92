/** The page of a key's holder: limits with what is left of them, what the key took, and its last requests. */
import type { JSX } from 'preact'
import type { HolderUsage } from '../api/answers/usage.ts'
import { requestList } from '../api/answers/requests.ts'
import { holderUsage } from '../api/answers/usage.ts'
import { call, CallError } from '../api/client.ts'
import { localClockTime, utcTime } from '../format/time.ts'
import { Button } from '../parts/button.tsx'
import { LimitMeters } from '../parts/limit-meters.tsx'
import { Answered } from '../parts/states.tsx'
import { UsageDays, UsageModels, UsageSums, UsageTags } from '../parts/usage-figures.tsx'
import { holderSession } from '../state/session.ts'
import { useAnswer } from '../state/use-answer.ts'
import { RequestTable } from './request-table.tsx'

/** @throws CallError. A secret that is refused ends the session. */
export async function readHolderUsage(secret: string): Promise<HolderUsage> {
  try {
    return await call(holderUsage, secret, '/v1/usage')
  } catch (error) {
    if (error instanceof CallError && error.status === 401) holderSession.refuse(error.message)
    throw error
  }
}

function readOwnRequests(secret: string) {
  return call(requestList, secret, '/v1/usage/requests')
}

export function HolderPage({ secret }: { secret: string }): JSX.Element {
  const usage = useAnswer(() => readHolderUsage(secret), [secret])
  const requests = useAnswer(() => readOwnRequests(secret), [secret])
  const reload = (): void => {
    usage.reload()
    requests.reload()
  }
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>Your key</h1>
        <Button onClick={reload} busy={usage.answer.value.state === 'loading'}>
          Refresh
        </Button>
      </div>
      <Answered question={usage} lines={8}>
        {(shown) => (
          <>
            <AsOf at={shown.asOf} />
            <LimitMeters shown={shown} title="What is left" none="This key has no limits." />
            {shown.group !== undefined && (
              <LimitMeters
                shown={{ ...shown.group, asOf: shown.asOf }}
                title={`What is left for the group ${shown.group.name}`}
                none="Your key shares no limit with the other keys of the group."
              />
            )}
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
            <UsageTags tags={shown.tags} />
          </>
        )}
      </Answered>
      <Answered question={requests}>
        {({ data }) => <RequestTable requests={data} isLinked={false} />}
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
