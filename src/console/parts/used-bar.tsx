/** A bar of what is used of a limit: green, amber from 80 %, red when nothing is left. Words beside it must say it too. */
import type { JSX } from 'preact'

/** The share of a limit from which the bar warns. */
export const WARNING_SHARE = 0.8

export type UsedLevel = 'good' | 'low' | 'spent'

/** The used share of a limit, from 0 to 1. */
export function shareOf(used: number, limit: number): number {
  return limit <= 0 ? 1 : Math.min(1, Math.max(0, used / limit))
}

export function levelOf(share: number): UsedLevel {
  return share >= 1 ? 'spent' : share >= WARNING_SHARE ? 'low' : 'good'
}

export function UsedBar({ share }: { share: number }): JSX.Element {
  return (
    <svg
      class={`used-bar used-${levelOf(share)}`}
      viewBox="0 0 100 1"
      preserveAspectRatio="none"
      role="img"
      aria-label={`${Math.round(share * 100)} % used`}
    >
      <rect class="used-room" width="100" height="1" />
      <rect class="used-part" width={share * 100} height="1" />
    </svg>
  )
}
