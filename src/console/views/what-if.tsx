/** The part of a key's page that tries other limits on its last days. */
import { useSignal, type Signal } from '@preact/signals'
import type { JSX } from 'preact'
import { DAY_MS } from '../../calendar.ts'
import type { Limits } from '../../limits/limits.ts'
import { readMinutes } from '../api/operator.ts'
import { LIMIT_NAMES } from '../format/limits.ts'
import { count, usd } from '../format/numbers.ts'
import { Choice, TextField } from '../parts/field.tsx'
import { Answered } from '../parts/states.tsx'
import { type Minute, replay, type ReplayedLimit, type ReplayedLimits } from '../state/replay.ts'
import { useAnswer } from '../state/use-answer.ts'

const DAYS = 7

const NAMES: Readonly<Record<ReplayedLimit, string>> = { ...LIMIT_NAMES, budget: 'Budget' }
const NUMBERS = ['requestsPerMinute', 'tokensPerMinute', 'requestsPerDay'] as const
const PERIODS = [
  ['day', 'a day'],
  ['month', 'a month'],
  ['total', 'in all these days'],
] as const

export interface WhatIfProps {
  id: string
  /** The key's own. */
  limits: Limits
  /** Whether a group's limits hold too. They are not replayed, since the other keys of the group count for them. */
  hasGroup: boolean
}

export function WhatIf({ id, limits, hasGroup }: WhatIfProps): JSX.Element {
  const isOpen = useSignal(false)
  return (
    <details
      class="card what-if"
      onToggle={(event) => {
        isOpen.value = event.currentTarget.open
      }}
    >
      <summary>
        <h2>What if the limits were other ones?</h2>
      </summary>
      {isOpen.value && <Asked id={id} limits={limits} hasGroup={hasGroup} />}
    </details>
  )
}

function Asked({ id, limits, hasGroup }: WhatIfProps): JSX.Element {
  const minutes = useAnswer(() => readMinutes(id), [id])
  return (
    <Answered question={minutes}>
      {({ data }) => {
        const from = new Date(Date.now() - DAYS * DAY_MS).toISOString()
        return (
          <Trial minutes={data.filter(({ minute }) => minute >= from)} limits={limits} hasGroup={hasGroup} />
        )
      }}
    </Answered>
  )
}

type Fields = Record<(typeof NUMBERS)[number] | 'usd' | 'period', Signal<string>>

interface TrialProps extends Omit<WhatIfProps, 'id'> {
  minutes: readonly Minute[]
}

function Trial({ minutes, limits, hasGroup }: TrialProps): JSX.Element {
  const fields: Fields = {
    requestsPerMinute: useSignal(textOf(limits.requestsPerMinute)),
    tokensPerMinute: useSignal(textOf(limits.tokensPerMinute)),
    requestsPerDay: useSignal(textOf(limits.requestsPerDay)),
    usd: useSignal(textOf(limits.budget?.usd)),
    period: useSignal<string>(limits.budget?.period ?? 'day'),
  }
  if (minutes.length === 0) return <p class="muted">The key was not used in the last {DAYS} days.</p>
  return (
    <>
      <div class="what-if-fields">
        {NUMBERS.map((name) => (
          <TextField
            key={name}
            label={NAMES[name]}
            value={fields[name]}
            type="number"
            min={0}
            placeholder="none"
          />
        ))}
        <TextField
          label="Budget, USD"
          value={fields.usd}
          type="number"
          min={0}
          step="any"
          placeholder="none"
        />
        <Choice label="Budget for" value={fields.period} choices={PERIODS} />
      </div>
      <Outcome minutes={minutes} limits={limitsOf(fields)} />
      <p class="muted small">
        Replayed from the counts of each minute of the last {DAYS} days. It is an estimate: clients that are
        refused may try again, and a request that was refused then counts with the mean of the others. Nothing
        is changed: edit the key to set a limit.
        {hasGroup &&
          ' The limits of its group are not replayed, and requests that they refused count among those that were refused.'}
      </p>
    </>
  )
}

function Outcome({ minutes, limits }: { minutes: readonly Minute[]; limits: ReplayedLimits }): JSX.Element {
  const { offered, refused, refusedThen, by, costUsd } = replay(minutes, limits)
  return (
    <div class={`note ${refused === 0 ? 'note-good' : 'note-warn'}`} role="status">
      <p>
        <strong>
          {count(refused)} of {count(offered)}
        </strong>{' '}
        requests of the last {DAYS} days would have been refused. {count(refusedThen)} were.
      </p>
      {refused > 0 && (
        <ul>
          {[...by].map(([name, requests]) => (
            <li key={name}>
              {count(requests)} by {NAMES[name]}
            </li>
          ))}
        </ul>
      )}
      <p>The others would have cost about {usd(Number(costUsd.toFixed(2)))}.</p>
    </div>
  )
}

function limitsOf(fields: Fields): ReplayedLimits {
  const limits: ReplayedLimits = {}
  for (const name of NUMBERS) {
    const limit = numberOf(fields[name].value)
    if (limit !== null) limits[name] = limit
  }
  const dollars = numberOf(fields.usd.value)
  const period = PERIODS.find(([value]) => value === fields.period.value)?.[0]
  if (dollars !== null && period !== undefined) limits.budget = { usd: dollars, period }
  return limits
}

/** `null` for a field without a limit. */
function numberOf(text: string): number | null {
  const value = Number(text)
  return text.trim() === '' || !(value >= 0) ? null : value
}

function textOf(value: number | undefined): string {
  return value === undefined ? '' : `${value}`
}
