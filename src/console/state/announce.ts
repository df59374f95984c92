/** What a screen reader is told after an action. The same text shows for a moment at the bottom of the page. */
import { signal } from '@preact/signals'

/** How long a notice shows, ms. */
export const NOTICE_SHOWN_MS = 5000

export const notice = signal('')
let timer: ReturnType<typeof setTimeout> | undefined

export function announce(text: string): void {
  notice.value = text
  clearTimeout(timer)
  timer = setTimeout(() => (notice.value = ''), NOTICE_SHOWN_MS)
}
