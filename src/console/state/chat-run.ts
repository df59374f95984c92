/** One run of the playground: what is asked, what comes, and how long it takes. */
import { batch, type Signal, signal } from '@preact/signals'
import type { Prices } from '../../models/prices.ts'
import { CHAT_PATH, type ChatDraft, chatBody, chatPartOf, readPrices } from '../api/chat.ts'
import { CallError, open } from '../api/client.ts'
import { dataOf, eventsOf } from '../api/stream.ts'
import type { Usage } from '../../wire/usage.ts'
import { callErrorOf } from './use-answer.ts'

/** Raw events are kept up to this many characters. */
export const EVENT_CHARACTERS_KEPT_MAX = 500_000

export interface ChatRun {
  phase: Signal<'idle' | 'waiting' | 'streaming' | 'done' | 'stopped' | 'failed'>
  text: Signal<string>
  events: Signal<string>
  usage: Signal<Usage | null>
  /** By which the gateway bills the model; `null` until they are known. */
  prices: Signal<Prices | null>
  /** Whether AI Gateway's cache has answered, which costs nothing. */
  isCached: Signal<boolean>
  finishReason: Signal<string | null>
  requestId: Signal<string | null>
  /** From sending to the first text, ms. */
  firstOutputMs: Signal<number | null>
  /** From sending to the end, ms. */
  totalMs: Signal<number | null>
  error: Signal<CallError | null>
  model: Signal<string>
}

export function newRun(): ChatRun {
  return {
    phase: signal('idle'),
    text: signal(''),
    events: signal(''),
    usage: signal(null),
    prices: signal(null),
    isCached: signal(false),
    finishReason: signal(null),
    requestId: signal(null),
    firstOutputMs: signal(null),
    totalMs: signal(null),
    error: signal(null),
    model: signal(''),
  }
}

/** Sends the draft and fills the run, which begins anew. It does not throw. */
export async function startRun(
  run: ChatRun,
  draft: ChatDraft,
  secretOf: () => Promise<string>,
  signal: AbortSignal,
): Promise<void> {
  reset(run, draft)
  let startMs = performance.now()
  try {
    const secret = await secretOf()
    startMs = performance.now()
    const prices = readPrices(secret, draft.model.trim())
    const response = await open(secret, CHAT_PATH, { method: 'POST', body: chatBody(draft), signal })
    run.requestId.value = response.headers.get('x-request-id')
    run.isCached.value = response.headers.get('cf-aig-cache-status') === 'HIT'
    run.phase.value = 'streaming'
    if (response.body !== null) {
      for await (const event of eventsOf(response.body)) take(run, event, performance.now() - startMs)
    }
    run.totalMs.value = performance.now() - startMs
    run.prices.value = await prices
    if (run.phase.value === 'streaming') run.phase.value = 'done'
  } catch (error) {
    if (signal.aborted) run.phase.value = 'stopped'
    else {
      run.error.value = callErrorOf(error)
      run.requestId.value ??= run.error.value.requestId
      run.phase.value = 'failed'
    }
  }
  run.totalMs.value ??= performance.now() - startMs
}

function reset(run: ChatRun, draft: ChatDraft): void {
  batch(() => {
    run.text.value = ''
    run.events.value = ''
    run.usage.value = null
    run.prices.value = null
    run.isCached.value = false
    run.finishReason.value = null
    run.requestId.value = null
    run.firstOutputMs.value = null
    run.totalMs.value = null
    run.error.value = null
    run.model.value = draft.model.trim()
    run.phase.value = 'waiting'
  })
}

/** Puts an event into the run. */
function take(run: ChatRun, event: string, atMs: number): void {
  const part = chatPartOf(dataOf(event))
  batch(() => {
    if (run.events.value.length < EVENT_CHARACTERS_KEPT_MAX) run.events.value += `${event}\n\n`
    if (part === null) return
    if (part.text !== '') {
      run.firstOutputMs.value ??= atMs
      run.text.value += part.text
    }
    run.usage.value = part.usage ?? run.usage.value
    run.finishReason.value = part.finishReason ?? run.finishReason.value
    if (part.error !== null) {
      run.error.value = new CallError(part.error, 0)
      run.phase.value = 'failed'
    }
  })
}
