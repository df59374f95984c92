/** The health of the gateway's parts: whether each works, how fast, and what to do where it does not. */
import type { JSX } from 'preact'
import type { Health } from '../api/answers/deployment.ts'
import { readHealth } from '../api/operator.ts'
import { count } from '../format/numbers.ts'
import { Button } from '../parts/button.tsx'
import { When } from '../parts/figures.tsx'
import { Answered } from '../parts/states.tsx'
import { useAnswer } from '../state/use-answer.ts'
import { TestAlert } from './test-alert.tsx'

const STATES = {
  ok: ['good', 'Works'],
  failed: ['bad', 'Fails'],
  unknown: ['plain', 'Not called yet'],
} as const

export function HealthPanel(): JSX.Element {
  const health = useAnswer(readHealth, [])
  return (
    <section class="card" aria-label="Health">
      <header class="card-head">
        <h2>Health</h2>
        <Button onClick={health.reload} busy={health.answer.value.state === 'loading'}>
          Check again
        </Button>
      </header>
      <Answered question={health} lines={2}>
        {({ parts }) => <HealthParts parts={parts} />}
      </Answered>
      <TestAlert />
    </section>
  )
}

function HealthParts({ parts }: { parts: Health['parts'] }): JSX.Element {
  const { upstream } = parts
  return (
    <ul class="health">
      <HealthPart name="Model" part={upstream}>
        {upstream.lastAnswerAt !== null && (
          <p>
            Answered <When at={upstream.lastAnswerAt} />
          </p>
        )}
        {upstream.lastFailureAt !== null && (
          <p>
            Failed <When at={upstream.lastFailureAt} />
          </p>
        )}
        <p>As seen by the location that answers you.</p>
      </HealthPart>
      <HealthPart name="KV" part={parts.kv}>
        <p>Read in {count(parts.kv.ms)} ms</p>
      </HealthPart>
      <HealthPart name="Accounts" part={parts.accounts}>
        <p>Called in {count(parts.accounts.ms)} ms</p>
      </HealthPart>
      <HealthPart name="Directory" part={parts.directory}>
        <p>Called in {count(parts.directory.ms)} ms</p>
      </HealthPart>
    </ul>
  )
}

interface HealthPartProps {
  name: string
  part: Health['parts']['kv' | 'upstream']
  children: JSX.Element | (JSX.Element | false)[]
}

function HealthPart({ name, part, children }: HealthPartProps): JSX.Element {
  const [tone, text] = STATES[part.state]
  return (
    <li>
      <p class="health-name">
        {name} <span class={`badge badge-${tone}`}>{text}</span>
      </p>
      <div class="muted small">{children}</div>
      {part.reason !== undefined && <p class="small health-reason">{part.reason}</p>}
      {part.action !== undefined && <p class="small">{part.action}</p>}
    </li>
  )
}
