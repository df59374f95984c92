/** The page that explains a request by its id. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import type { RequestAnswer } from '../api/answers/requests.ts'
import { readRequest } from '../api/operator.ts'
import { explain } from '../format/explain.ts'
import { count, milliseconds, usd } from '../format/numbers.ts'
import { Button } from '../parts/button.tsx'
import { Fact } from '../parts/facts.tsx'
import { TextField } from '../parts/field.tsx'
import { Money, When } from '../parts/figures.tsx'
import { Answered } from '../parts/states.tsx'
import { goTo, hrefOf } from '../state/route.ts'
import { useAnswer } from '../state/use-answer.ts'

export function Explain({ id }: { id: string }): JSX.Element {
  const typed = useSignal(id)
  return (
    <>
      <h1 tabIndex={-1}>Explain a request</h1>
      <form
        class="card explain-form"
        onSubmit={(event) => {
          event.preventDefault()
          goTo({ page: 'explain', id: typed.value.trim() })
        }}
      >
        <TextField
          label="Request id"
          value={typed}
          placeholder="req_…"
          autoComplete="off"
          required={true}
          hint="Each answer has it in the header x-request-id, and each error of an SDK shows it. The last 200 requests of a key are known."
        />
        <Button kind="primary" type="submit">
          Explain
        </Button>
      </form>
      {id !== '' && <Found id={id} />}
    </>
  )
}

function Found({ id }: { id: string }): JSX.Element {
  const found = useAnswer(() => readRequest(id), [id])
  return <Answered question={found}>{(request) => <Request request={request} />}</Answered>
}

function Request({ request }: { request: RequestAnswer }): JSX.Element {
  const { result, mood, sentences } = explain(request)
  return (
    <section class="card" aria-live="polite">
      <header class="card-head">
        <h2>
          <code>{request.id}</code>
        </h2>
        <span class={`badge badge-${mood}`}>{result}</span>
      </header>
      {sentences.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      <dl class="facts">
        <Fact name="Key">
          <a href={hrefOf({ page: 'key', id: request.keyId })}>
            <code>{request.keyId}</code>
          </a>
        </Fact>
        <Fact name="Time">
          <When at={request.at} />
        </Fact>
        <Facts request={request} />
      </dl>
    </section>
  )
}

function Facts({ request }: { request: RequestAnswer }): JSX.Element {
  if (request.state === 'refused') {
    return (
      <>
        <Fact name="Status">{request.status}</Fact>
        <Fact name="Code">{request.code === null ? '–' : <code>{request.code}</code>}</Fact>
      </>
    )
  }
  return (
    <>
      <Fact name="Model">
        <code>{request.model}</code>
      </Fact>
      <Fact name="Admitted by">
        {request.admittedBy === 'account' ? 'The key’s account' : 'The isolate that served it'}
      </Fact>
      {request.state === 'settled' && <End request={request} />}
      {'costUsd' in request && <Bill request={request} />}
      {request.state === 'under_way' && <Fact name="Reserved">{usd(request.worstCaseUsd)}</Fact>}
    </>
  )
}

function End({ request }: { request: Extract<RequestAnswer, { state: 'settled' }> }): JSX.Element {
  const { status, firstOutputMs, durationMs, logId } = request
  return (
    <>
      <Fact name="Status">{status}</Fact>
      {firstOutputMs !== null && <Fact name="First output">{milliseconds(firstOutputMs)}</Fact>}
      <Fact name="End">{milliseconds(durationMs)}</Fact>
      <Fact name="AI Gateway’s log id">{logId === null ? '–' : <code>{logId}</code>}</Fact>
    </>
  )
}

function Bill({ request }: { request: Extract<RequestAnswer, { costUsd: number }> }): JSX.Element {
  const { promptTokens, cachedTokens, completionTokens, reasoningTokens, costUsd, certainty } = request
  return (
    <>
      <Fact name="Prompt tokens">
        {count(promptTokens)}, {count(cachedTokens)} cached
      </Fact>
      <Fact name="Completion tokens">
        {count(completionTokens)}, {count(reasoningTokens)} reasoning
      </Fact>
      <Fact name="Cost">
        <Money usd={costUsd} /> {certainty === 'exact' ? '' : `(${certainty})`}
      </Fact>
    </>
  )
}
