/** Writes a reply as a response object: the JSON answer, and a part of a stream's first and last events. */

import type { Envelope } from '../model/envelope.ts'
import type { Choice, Reply } from '../model/reply.ts'
import { randomText, type Random } from '../model/seeded-random.ts'
import type { TokenCount } from '../model/tokens.ts'
import { inWords, RESPONSES_WORDS } from '../model/usage-words.ts'

export interface ResponseItem {
  readonly id: string
  readonly type: string
  readonly [field: string]: unknown
}

/** The answer repeats some of the request's fields. */
export type Request = Readonly<Record<string, unknown>>

/** A response's id is `resp_` and 48 hex digits. */
export function responseEnvelope(envelope: Envelope, random: Random): Envelope {
  return { ...envelope, id: itemId('resp', random) }
}

/** `output` is empty and `usage` is null until they are known. */
export function responseObject(
  { id, created, model, serviceTier }: Envelope,
  request: Request,
  status: 'in_progress' | 'completed' | 'incomplete',
  output: readonly ResponseItem[],
  usage: object | null,
): object {
  const given = (name: string, otherwise: unknown): unknown => request[name] ?? otherwise
  return {
    id,
    object: 'response',
    created_at: created,
    status,
    background: false,
    error: null,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    instructions: given('instructions', null),
    max_output_tokens: given('max_output_tokens', null),
    max_tool_calls: given('max_tool_calls', null),
    model,
    output,
    parallel_tool_calls: given('parallel_tool_calls', true),
    previous_response_id: null,
    prompt_cache_key: given('prompt_cache_key', null),
    reasoning: { effort: 'medium', summary: null, ...asObject(request['reasoning']) },
    safety_identifier: given('safety_identifier', null),
    service_tier: serviceTier,
    store: given('store', true),
    temperature: given('temperature', 1),
    text: { format: { type: 'text' }, ...asObject(request['text']) },
    tool_choice: given('tool_choice', 'auto'),
    tools: given('tools', []),
    top_logprobs: given('top_logprobs', 0),
    top_p: given('top_p', 1),
    truncation: given('truncation', 'disabled'),
    usage,
    user: given('user', null),
    metadata: given('metadata', {}),
  }
}

/** The reasoning item and the answer's item. There is no answer if the reasoning took all tokens. */
export function outputItems({ choices: [choice] }: Reply, request: Request, random: Random): ResponseItem[] {
  const include: unknown = request['include']
  const isEncrypted = Array.isArray(include) && include.includes('reasoning.encrypted_content')
  const reasoning = {
    id: itemId('rs', random),
    type: 'reasoning',
    ...(isEncrypted ? { encrypted_content: randomText(random, 200) } : {}),
    summary: [],
  }
  if (choice === undefined || (choice.end === 'length' && choice.pieces.length === 0)) return [reasoning]
  return [reasoning, answerItem(choice, random)]
}

function answerItem({ call, pieces, end }: Choice, random: Random): ResponseItem {
  const text = pieces.join('')
  const status = end === 'length' ? 'incomplete' : 'completed'
  if (call === null) {
    const id = itemId('msg', random)
    return { id, type: 'message', status, content: [outputText(text)], role: 'assistant' }
  }
  const { id: callId, name } = call
  if (call.kind === 'custom') {
    const id = itemId('ctc', random)
    return { id, type: 'custom_tool_call', status, call_id: callId, input: text, name }
  }
  const id = itemId('fc', random)
  return { id, type: 'function_call', status, arguments: text, call_id: callId, name }
}

export function outputText(text: string): object {
  return { type: 'output_text', annotations: [], logprobs: [], text }
}

export function statusOf({ choices: [choice] }: Reply): 'completed' | 'incomplete' {
  return choice?.end === 'length' ? 'incomplete' : 'completed'
}

/** `overrides` replaces fields of the usage. */
export function responseUsage(tokens: TokenCount, overrides: Record<string, unknown> = {}) {
  return {
    input_tokens: tokens.prompt,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: tokens.completion,
    output_tokens_details: { reasoning_tokens: tokens.reasoning },
    total_tokens: tokens.prompt + tokens.completion,
    ...inWords(overrides, RESPONSES_WORDS),
  }
}

function itemId(prefix: string, random: Random): string {
  const digits = Array.from({ length: 48 }, () => Math.floor(random() * 16).toString(16))
  return `${prefix}_${digits.join('')}`
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {}
}
