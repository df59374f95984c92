/** Today and the last 30 days of all keys, the health of the gateway, and the ends of its models. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { DAY_MS, dateOf } from '../../calendar.ts'
import type { DayTotals, KeyTotals, ModelTotals, Totals } from '../api/answers/usage.ts'
import { downloadUsage, readUsageByDay, readUsageByKey, readUsageByModel } from '../api/operator.ts'
import type { CallError } from '../api/client.ts'
import { localClockTime, utcTime } from '../format/time.ts'
import { Button } from '../parts/button.tsx'
import { Answered, Empty, Failure } from '../parts/states.tsx'
import { UsageDays, UsageModels, UsageSums, UsageTable } from '../parts/usage-figures.tsx'
import { hrefOf } from '../state/route.ts'
import { saveFile } from '../state/save-file.ts'
import { callErrorOf, useAnswer } from '../state/use-answer.ts'
import { DearestGroups, DearestTags } from './dearest.tsx'
import { HealthPanel } from './health.tsx'
import { RetirementCalendar } from './retirements.tsx'

/** Days that the page shows, today included. */
const DAYS_SHOWN = 30
/** The dearest keys. */
const KEYS_SHOWN = 10

interface Overview {
  atMs: number
  today: Totals | undefined
  total: Totals
  days: DayTotals[]
  models: ModelTotals[]
  keys: KeyTotals[]
  usageTags: string[]
}

async function readOverview(): Promise<Overview> {
  const atMs = Date.now()
  const { from, to } = shownRange(atMs)
  const [byDay, byModel, byKey] = await Promise.all([
    readUsageByDay(from, to),
    readUsageByModel(from, to),
    readUsageByKey(from, to),
  ])
  const keys = byKey.data.toSorted((a, b) => b.costUsd - a.costUsd).slice(0, KEYS_SHOWN)
  return {
    atMs,
    today: byDay.data.at(-1),
    total: byDay.total,
    days: byDay.data,
    models: byModel.data,
    keys,
    usageTags: byDay.usageTags,
  }
}

function shownRange(nowMs: number) {
  return { from: dateOf(nowMs - (DAYS_SHOWN - 1) * DAY_MS), to: dateOf(nowMs) }
}

export function OverviewPage(): JSX.Element {
  const overview = useAnswer(readOverview, [])
  const error = useSignal<CallError | null>(null)
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>Overview</h1>
        <div class="actions">
          <DownloadButton onError={(failed) => (error.value = failed)} />
          <Button onClick={overview.reload} busy={overview.answer.value.state === 'loading'}>
            Refresh
          </Button>
        </div>
      </div>
      {error.value !== null && <Failure error={error.value} />}
      <Answered question={overview} lines={8}>
        {(shown) => <OverviewFigures shown={shown} />}
      </Answered>
    </>
  )
}

/** Saves the usage of the shown days. The token goes into a header, so a plain link would not do. */
function DownloadButton({ onError }: { onError: (error: CallError | null) => void }): JSX.Element {
  const busy = useSignal(false)
  async function download(): Promise<void> {
    const { from, to } = shownRange(Date.now())
    busy.value = true
    onError(null)
    try {
      saveFile(await downloadUsage(from, to), `usage-${from}-to-${to}.csv`)
    } catch (thrown) {
      onError(callErrorOf(thrown))
    }
    busy.value = false
  }
  return (
    <Button onClick={() => void download()} busy={busy.value}>
      Download CSV
    </Button>
  )
}

function OverviewFigures({ shown }: { shown: Overview }): JSX.Element {
  const { atMs, today, total, days, models, keys, usageTags } = shown
  const range = shownRange(atMs)
  return (
    <>
      <p class="muted small as-of">
        As of {localClockTime(atMs)} <span class="utc">({utcTime(atMs)})</span>, up to a minute old. Days
        begin at 00:00 UTC.
      </p>
      {today !== undefined && (
        <section class="card">
          <h2>Today</h2>
          <UsageSums sums={today} />
        </section>
      )}
      <HealthPanel />
      <RetirementCalendar {...range} days={DAYS_SHOWN} />
      {total.requests === 0 ? (
        <Empty title="No requests in the last 30 days">
          <p class="muted">
            <a href={hrefOf({ page: 'keys' })}>Create a key</a> and give it out, or{' '}
            <a href={hrefOf({ page: 'playground' })}>try a prompt</a>.
          </p>
        </Empty>
      ) : (
        <>
          <section class="card">
            <h2>Last {DAYS_SHOWN} days</h2>
            <UsageSums sums={total} />
          </section>
          <UsageDays days={days} />
          <section class="card">
            <h2>Keys that cost most</h2>
            <UsageTable caption="Usage by key" head="Key" rows={keys.map(keyRow)} />
          </section>
          <DearestGroups {...range} atMs={atMs} />
          {usageTags.map((tag) => (
            <DearestTags key={tag} tag={tag} {...range} atMs={atMs} />
          ))}
          <UsageModels models={models} />
        </>
      )}
    </>
  )
}

function keyRow(sums: KeyTotals) {
  const name = sums.name ?? sums.id
  if (sums.deletedAt !== undefined) return { ...sums, name: `${name} (deleted)` }
  return { ...sums, name, href: hrefOf({ page: 'key', id: sums.id }) }
}
