/** A bar of what is used of a limit: green, amber from 80 %, red when nothing is left. The words say it too. */
import type { ComponentChildren, JSX } from 'preact'

/** The share of a limit from which the bar warns. */
const WARNING_SHARE = 0.8

export interface MeterProps {
  name: string
  /** The limit, in words. */
  of: string
  used: number
  limit: number
  left: string
  renewal: ComponentChildren
}

export function Meter({ name, of, used, limit, left, renewal }: MeterProps): JSX.Element {
  const share = Math.min(1, Math.max(0, used / limit))
  const level = share >= 1 ? 'spent' : share >= WARNING_SHARE ? 'low' : 'good'
  return (
    <div class={`meter meter-${level}`}>
      <p class="meter-head">
        <span class="meter-name">{name}</span>
        <span class="muted">{of}</span>
      </p>
      <svg
        viewBox="0 0 100 1"
        preserveAspectRatio="none"
        role="img"
        aria-label={`${Math.round(share * 100)} % used`}
      >
        <rect class="meter-room" width="100" height="1" />
        <rect class="meter-used" width={share * 100} height="1" />
      </svg>
      <p class="meter-foot">
        <strong>{left}</strong>
        <span class="muted small">{renewal}</span>
      </p>
    </div>
  )
}
