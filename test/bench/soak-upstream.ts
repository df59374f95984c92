/** The upstream of the soak. The tag of a call names its kind of answer and its usage, which the upstream counts by key. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { GatewayLogs } from '../support/node/upstream-logs.ts'
import {
  type Answer,
  type Bytes,
  failure,
  jsonAnswer,
  paced,
  streamAnswer,
} from '../support/node/upstream-answer.ts'
import type { UpstreamCall } from '../support/node/upstream-server.ts'

export type Kind =
  | 'json'
  | 'stream'
  | 'slow'
  | 'refused'
  | 'reset'
  | 'broken'
  | 'disconnecting'
  /** It shows its role at once, and then thinks. */
  | 'thinking'
  /** It has an event above every bound of a meter. */
  | 'large'
  /** It has its usage in the tail of such an event. */
  | 'tail'
  /** It writes its usage with white space. */
  | 'spaced'
  /** It sends its usage beside choices, in an event that belongs to the caller. */
  | 'beside'

export interface Plan {
  kind: Kind
  promptTokens: number
  completionTokens: number
}

export interface Figures {
  requests: number
  promptTokens: number
  completionTokens: number
}

export function tagOf({ kind, promptTokens, completionTokens }: Plan): string {
  return `${kind}:${promptTokens}:${completionTokens}`
}

/** The pause between two chunks, ms, so that streams overlap. */
const CHUNK_PAUSE_MS = 3
/** Some intervals of comments, since a busy machine is late. */
const THINKING_MS = 5_000
/** Above the longest event that a meter holds back. */
const LARGE_CHARACTERS = 150_000
/** Above the longest event that the meter of the Responses API parses. */
const RESPONSE_CHARACTERS = 1_100_000

/** What the upstream has served, by the id of the gateway's key. */
export class SoakUpstream {
  readonly #served = new Map<string, Figures>()

  servedOf(keyId: string): Figures {
    return this.#served.get(keyId) ?? { requests: 0, promptTokens: 0, completionTokens: 0 }
  }

  answer(call: UpstreamCall, logs: GatewayLogs): Answer {
    const [kind, prompt, completion] = call.tag.split(':') as [Kind, string, string]
    const plan: Plan = { kind, promptTokens: Number(prompt), completionTokens: Number(completion) }
    const isServed = kind !== 'refused' && kind !== 'reset'
    this.#count(keyIdOf(call), isServed ? plan : { promptTokens: 0, completionTokens: 0 })
    if (kind === 'refused') return failure.cloudflareErrors(500, 5016, 'an error of the soak')
    if (kind === 'reset') return { instead: 'reset' }
    const logId = randomUUID()
    // The log is late, as the real log is: the first read does not find it.
    const record = { tokens_in: plan.promptTokens, tokens_out: plan.completionTokens }
    logs.script(logId, { record, notFoundTimes: 1 })
    const answer = 'input' in call.inputs ? responseAnswer(plan) : chatAnswer(plan, call.inputs)
    return { ...answer, headers: { ...answer.headers, 'cf-aig-log-id': logId } }
  }

  #count(keyId: string, { promptTokens, completionTokens }: Omit<Plan, 'kind'>): void {
    const { requests, ...tokens } = this.servedOf(keyId)
    this.#served.set(keyId, {
      requests: requests + 1,
      promptTokens: tokens.promptTokens + promptTokens,
      completionTokens: tokens.completionTokens + completionTokens,
    })
  }
}

function keyIdOf({ options }: UpstreamCall): string {
  return (options['gateway'] as { metadata: { key_id: string } }).metadata.key_id
}

function chatAnswer(plan: Plan, inputs: Record<string, unknown>) {
  const { kind, promptTokens, completionTokens } = plan
  const usage = {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  }
  if (inputs['stream'] !== true) {
    const choices = [{ index: 0, message: { content: 'ok' } }]
    return jsonAnswer(JSON.stringify({ id: 'chatcmpl-soak', object: 'chat.completion', choices, usage }))
  }
  const includesUsage =
    (inputs['stream_options'] as { include_usage?: boolean } | undefined)?.include_usage === true
  const words = Array.from({ length: completionTokens }, (_, number) => delta({ content: `w${number} ` }))
  if (kind === 'broken') return streamAnswer(paced(words.slice(0, 5), CHUNK_PAUSE_MS), 'reset')
  if (kind === 'thinking')
    return streamAnswer(thinking(delta({ role: 'assistant', content: '' }), [...words, ...end()]))
  const large = delta({ content: 'x'.repeat(LARGE_CHARACTERS) })
  return streamAnswer(paced([...words, ...(kind === 'large' ? [large] : []), ...end()], CHUNK_PAUSE_MS))

  function end(): string[] {
    return [...(includesUsage ? [usageEvent()] : []), 'data: [DONE]\n\n']
  }

  function usageEvent(): string {
    const choices = [{ index: 0, delta: {}, finish_reason: 'stop' }]
    if (kind === 'spaced')
      return `data: {"id": "chatcmpl-soak", "choices": [], "usage" :\t${JSON.stringify(usage)} }\n\n`
    if (kind === 'beside') return event({ choices, usage })
    if (kind === 'tail')
      return event({ choices: [{ index: 0, delta: { content: 'x'.repeat(LARGE_CHARACTERS) } }], usage })
    return event({ choices: [], usage })
  }
}

/** A stream of the Responses API, which tells its usage in its last event. */
function responseAnswer({ kind, promptTokens, completionTokens }: Plan) {
  const usage = {
    input_tokens: promptTokens,
    output_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  }
  const text = 'x'.repeat(kind === 'large' ? RESPONSE_CHARACTERS : 10)
  const words = Array.from({ length: completionTokens }, (_, number) =>
    responseEvent({ type: 'response.output_text.delta', delta: `w${number} ` }),
  )
  const last = responseEvent({ type: 'response.completed', response: { output: [{ text }], usage } })
  return streamAnswer(thinking(responseEvent({ type: 'response.created', response: {} }), [...words, last]))
}

async function* thinking(first: string, rest: readonly string[]): AsyncGenerator<Bytes> {
  yield first
  await sleep(THINKING_MS)
  yield* paced(rest, CHUNK_PAUSE_MS)
}

function delta(fields: object): string {
  return event({ choices: [{ index: 0, delta: fields }] })
}

function event(data: object): string {
  return `data: ${JSON.stringify({ id: 'chatcmpl-soak', object: 'chat.completion.chunk', ...data })}\n\n`
}

function responseEvent(data: { type: string; [field: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
}
