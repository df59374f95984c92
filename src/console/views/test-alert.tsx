/** Tries the webhook of alerts, and says what it answered or what to do. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import type { TestedAlert } from '../api/answers/deployment.ts'
import { testAlert } from '../api/operator.ts'
import { count } from '../format/numbers.ts'
import { Button } from '../parts/button.tsx'
import { announce } from '../state/announce.ts'
import { callErrorOf } from '../state/use-answer.ts'

const STATES = {
  delivered: ['good', 'Delivered'],
  failed: ['bad', 'Failed'],
  off: ['plain', 'Off'],
} as const

export function TestAlert(): JSX.Element {
  const tested = useSignal<TestedAlert | null>(null)
  const busy = useSignal(false)
  async function send(): Promise<void> {
    busy.value = true
    try {
      tested.value = await testAlert()
    } catch (error) {
      tested.value = failedCall(callErrorOf(error).message)
    }
    busy.value = false
    announce(`Test alert: ${STATES[tested.value.state][1]}. ${tested.value.reason ?? ''}`)
  }
  return (
    <div class="stack">
      <div>
        <Button onClick={() => void send()} busy={busy.value}>
          Send a test alert
        </Button>
      </div>
      {tested.value !== null && <Result tested={tested.value} />}
    </div>
  )
}

function Result({ tested: { state, ms, signed, reason, action } }: { tested: TestedAlert }): JSX.Element {
  const [tone, text] = STATES[state]
  return (
    <div class="small">
      <p>
        Alerts <span class={`badge badge-${tone}`}>{text}</span>
      </p>
      {state === 'delivered' && (
        <p class="muted">
          The webhook answered in {count(ms ?? 0)} ms.{' '}
          {signed ? 'The alert was signed.' : 'The alert had no signature.'}
        </p>
      )}
      {reason !== undefined && <p class="health-reason">{reason}</p>}
      {action !== undefined && <p>{action}</p>}
    </div>
  )
}

function failedCall(reason: string): TestedAlert {
  return { state: 'failed', status: null, ms: null, signed: false, reason }
}
