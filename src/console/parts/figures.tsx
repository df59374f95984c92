/** Figures: money, times and the card of a sum. */
import type { ComponentChildren, JSX } from 'preact'
import { usdParts } from '../format/numbers.ts'
import { localTime, utcTime } from '../format/time.ts'

/** Money to the micro-dollar. What is below a cent is fainter. */
export function Money({ usd }: { usd: number }): JSX.Element {
  const [cents, rest] = usdParts(usd)
  return (
    <span class="money">
      {cents}
      <span class="micro">{rest}</span>
    </span>
  )
}

/** A time in the viewer's zone, with UTC beside it. */
export function When({ at }: { at: string }): JSX.Element {
  const ms = Date.parse(at)
  return (
    <time dateTime={at} class="when">
      {localTime(ms)} <span class="utc">({utcTime(ms)})</span>
    </time>
  )
}

export interface FigureProps {
  label: string
  children: ComponentChildren
  note?: ComponentChildren
}

/** One sum with its name above and its parts below. */
export function Figure({ label, children, note }: FigureProps): JSX.Element {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd>
        <span class="figure-value">{children}</span>
        {note !== undefined && <span class="figure-note">{note}</span>}
      </dd>
    </div>
  )
}
