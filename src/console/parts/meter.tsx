/** A limit with its bar, what is left of it in words, and when it renews. */
import type { ComponentChildren, JSX } from 'preact'
import { levelOf, shareOf, UsedBar } from './used-bar.tsx'

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
  const share = shareOf(used, limit)
  return (
    <div class={`meter meter-${levelOf(share)}`}>
      <p class="meter-head">
        <span class="meter-name">{name}</span>
        <span class="muted">{of}</span>
      </p>
      <UsedBar share={share} />
      <p class="meter-foot">
        <strong>{left}</strong>
        <span class="muted small">{renewal}</span>
      </p>
    </div>
  )
}
