/** The state of a page's question to the gateway: loading, ready or failed. */
import { type Signal, useSignal } from '@preact/signals'
import { useCallback, useEffect } from 'preact/hooks'
import { CallError } from '../api/client.ts'

export type Answer<Value> =
  | { state: 'loading'; value: Value | null }
  | { state: 'ready'; value: Value }
  | { state: 'failed'; error: CallError; value: Value | null }

export interface Question<Value> {
  answer: Signal<Answer<Value>>
  /** Asks again. The last value stays on the page meanwhile. */
  reload: () => void
}

/** Asks when the component appears, when a dependency changes, and after a failure when the browser is online again. An answer to an older question is dropped. */
export function useAnswer<Value>(
  ask: () => Promise<Value>,
  dependencies: readonly unknown[],
): Question<Value> {
  const answer = useSignal<Answer<Value>>({ state: 'loading', value: null })
  const round = useSignal(0)
  const load = useCallback(() => {
    const mine = (round.value = round.peek() + 1)
    const set = (next: Answer<Value>): void => {
      if (mine === round.peek()) answer.value = next
    }
    set({ state: 'loading', value: answer.peek().value })
    async function load(): Promise<void> {
      try {
        set({ state: 'ready', value: await ask() })
      } catch (error) {
        set({ state: 'failed', error: callErrorOf(error), value: answer.peek().value })
      }
    }
    void load()
  }, dependencies)
  useEffect(load, [load])
  useEffect(() => {
    const retry = (): void => {
      if (answer.peek().state === 'failed') load()
    }
    addEventListener('online', retry)
    return () => removeEventListener('online', retry)
  }, [answer, load])
  return { answer, reload: load }
}

/** Anything that was thrown, as an error to show. */
export function callErrorOf(error: unknown): CallError {
  if (error instanceof CallError) return error
  return new CallError(`This page failed: ${error instanceof Error ? error.message : String(error)}`, 0)
}
