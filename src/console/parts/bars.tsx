/** A bar chart of days. The table behind it is the caller's, since it has more columns than a bar. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'

export interface Bar {
  /** The day. */
  label: string
  value: number
  /** The part of the value that is not exact. */
  uncertain: number
}

export interface BarsProps {
  /** What the bars measure, for screen readers. */
  title: string
  bars: readonly Bar[]
  format: (value: number) => string
}

const HEIGHT = 100
const PITCH = 10
const WIDTH = 7
/** A day with any use has a visible bar. */
const HEIGHT_MIN = 1.5

export function Bars({ title, bars, format }: BarsProps): JSX.Element {
  const pointed = useSignal<number | null>(null)
  const top = Math.max(...bars.map(({ value }) => value), 0)
  const bar = bars[pointed.value ?? -1]
  const [first, last] = [bars[0], bars.at(-1)]
  return (
    <figure class="bars">
      <p class="bars-top" aria-hidden="true">
        {bar === undefined ? `Most in a day: ${format(top)}` : `${bar.label}: ${format(bar.value)}`}
      </p>
      <svg
        viewBox={`0 0 ${bars.length * PITCH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title} by day. The most in a day is ${format(top)}.`}
        onPointerLeave={() => (pointed.value = null)}
      >
        {bars.map(({ label, value, uncertain }, at) => {
          const height = top === 0 || value === 0 ? 0 : Math.max(HEIGHT_MIN, (value / top) * HEIGHT)
          const uncertainHeight = value === 0 ? 0 : height * Math.min(1, uncertain / value)
          const x = at * PITCH + (PITCH - WIDTH) / 2
          return (
            <g
              key={label}
              class={at === pointed.value ? 'bar bar-pointed' : 'bar'}
              onPointerEnter={() => (pointed.value = at)}
            >
              <rect class="bar-room" x={at * PITCH} y={0} width={PITCH} height={HEIGHT} />
              <rect class="bar-exact" x={x} y={HEIGHT - height} width={WIDTH} height={height} />
              <rect class="bar-uncertain" x={x} y={HEIGHT - height} width={WIDTH} height={uncertainHeight} />
            </g>
          )
        })}
      </svg>
      <p class="bars-days" aria-hidden="true">
        <span>{first?.label}</span>
        <span>{last?.label}</span>
      </p>
    </figure>
  )
}
