/** The usage of a key or a group over a range of days that the person chooses, with what is left of the limits above it. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { DAY_MS, dateOf } from '../../calendar.ts'
import type { RangeUsage } from '../api/answers/usage.ts'
import { useAnswer } from '../state/use-answer.ts'
import { Button } from './button.tsx'
import { Segments } from './field.tsx'
import { LimitMeters } from './limit-meters.tsx'
import { Answered } from './states.tsx'
import { UsageDays, UsageModels, UsageSums, UsageTags } from './usage-figures.tsx'

const RANGES = [
  ['7', '7 days'],
  ['30', '30 days'],
  ['90', '90 days'],
] as const

export interface RangeUsageProps {
  id: string
  /** The sentence that stands in the place of limits. */
  none: string
  /** `from` and `to` are UTC dates, both included. */
  read: (id: string, from: string, to: string) => Promise<RangeUsage>
  /** What else the button loads again. */
  onRefresh?: () => void
  /** What stands between the limits and the usage. */
  children?: ComponentChildren
}

export function RangeUsageView({ id, none, read, onRefresh, children }: RangeUsageProps): JSX.Element {
  const days = useSignal('30')
  const usage = useAnswer(() => {
    const nowMs = Date.now()
    return read(id, dateOf(nowMs - (Number(days.value) - 1) * DAY_MS), dateOf(nowMs))
  }, [id, days.value])
  const reload = (): void => {
    usage.reload()
    onRefresh?.()
  }
  const shown = usage.answer.value.value
  return (
    <>
      {shown !== null && shown.deletedAt === undefined && (
        <LimitMeters shown={shown} title="What is left" none={none} />
      )}
      {children}
      <div class="section-head">
        <h2>Usage</h2>
        <div class="actions">
          <Segments label="Range" value={days} choices={RANGES} />
          <Button onClick={reload}>Refresh</Button>
        </div>
      </div>
      <Answered question={usage}>
        {({ total, days: rows, models, tags }) => (
          <>
            <section class="card">
              <h3>Last {rows.length} days</h3>
              <UsageSums sums={total} />
            </section>
            <UsageDays days={rows} />
            <UsageModels models={models} />
            <UsageTags tags={tags} />
          </>
        )}
      </Answered>
    </>
  )
}
