/** The text of a search field once no letter was typed for a moment. */
import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'

/** A search begins so long after the last letter, ms. */
export const SEARCH_DELAY_MS = 250

export function useSettled(text: Signal<string>): string {
  const settled = useSignal(text.peek())
  const current = text.value
  useEffect(() => {
    const timer = setTimeout(() => (settled.value = current.trim()), SEARCH_DELAY_MS)
    return () => clearTimeout(timer)
  }, [current, settled])
  return settled.value
}
