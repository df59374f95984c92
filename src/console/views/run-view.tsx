/** The answer of the playground, with its figures and its raw events. */
import type { JSX } from 'preact'
import { costOf } from '../../models/prices.ts'
import { count, milliseconds, usd } from '../format/numbers.ts'
import { CopyButton } from '../parts/button.tsx'
import { Empty, Failure } from '../parts/states.tsx'
import type { ChatRun } from '../state/chat-run.ts'

const PHASES: Readonly<Record<ChatRun['phase']['value'], string>> = {
  idle: '',
  waiting: 'Thinking…',
  streaming: 'Streaming…',
  done: 'Done',
  stopped: 'Stopped',
  failed: 'Failed',
}

export function RunView({ run }: { run: ChatRun }): JSX.Element {
  const phase = run.phase.value
  if (phase === 'idle') {
    return (
      <section class="card">
        <Empty title="The answer appears here">
          <p class="muted">With its tokens, its cost, its times, and every event as the server sent it.</p>
        </Empty>
      </section>
    )
  }
  const error = run.error.value
  return (
    <section class="card" aria-label="Answer">
      <header class="card-head">
        <h2>Answer</h2>
        <span class={`phase phase-${phase}`} role="status">
          {PHASES[phase]}
        </span>
      </header>
      {run.text.value !== '' && (
        <div class="answer" tabIndex={0} role="region" aria-label="Text of the answer">
          {run.text.value}
        </div>
      )}
      {error !== null && <Failure error={error} />}
      {error !== null && error.retryAfterSeconds !== null && (
        <p class="hint">A program may try again in {error.retryAfterSeconds} s.</p>
      )}
      <RunFigures run={run} />
      <details>
        <summary>Raw events</summary>
        <div class="code">
          <pre tabIndex={0} aria-label="Raw events">
            <code>{run.events.value === '' ? 'No event has come.' : run.events.value}</code>
          </pre>
          <CopyButton text={run.events.value} what="raw events" />
        </div>
      </details>
    </section>
  )
}

function RunFigures({ run }: { run: ChatRun }): JSX.Element {
  const usage = run.usage.value
  const rows: [name: string, value: string | null][] = [
    ['First output', run.firstOutputMs.value === null ? null : milliseconds(run.firstOutputMs.value)],
    ['Whole answer', run.totalMs.value === null ? null : milliseconds(run.totalMs.value)],
    ['Prompt tokens', usage && count(usage.promptTokens)],
    [
      'Completion tokens',
      usage && `${count(usage.completionTokens)}, of them ${count(usage.reasoningTokens)} reasoning`,
    ],
    ['Cost', costText(run)],
    ['End', run.finishReason.value],
    ['Request id', run.requestId.value],
  ]
  return (
    <dl class="facts facts-small">
      {rows.map(([name, value]) =>
        value === null ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{name === 'Request id' ? <code>{value}</code> : value}</dd>
          </div>
        ),
      )}
    </dl>
  )
}

/** The cost as the key is billed, or why it is an estimate; `null` where there is nothing to say. */
function costText(run: ChatRun): string | null {
  const [usage, prices, phase] = [run.usage.value, run.prices.value, run.phase.value]
  if (run.isCached.value) return `${usd(0)}, from AI Gateway’s cache`
  if (usage !== null) {
    return prices === null
      ? null
      : `${usd(costOf(usage, prices) / 1e6)}, by this gateway’s prices of ${run.model.value}`
  }
  const hasBegun = phase === 'stopped' || (phase === 'failed' && run.text.value !== '')
  return hasBegun ? 'An estimate: no usage has come. AI Gateway’s log corrects the bill.' : null
}
