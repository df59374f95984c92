/** A response, made of a chat answer and of the caller's request, whose parameters a response repeats. */
import { responseId } from './answer-id.ts'
import { type Fields, fieldsOf, textOf } from './json.ts'
import { type OutputItem, renderItem } from './output-item.ts'
import { field } from '../../wire/field.ts'
import { usageToResponses } from './usage.ts'

/** The parameters that a response repeats as they are, with their defaults. */
const REPEATED: Fields = {
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  parallel_tool_calls: true,
  prompt_cache_key: null,
  safety_identifier: null,
  temperature: 1,
  tool_choice: 'auto',
  tools: [],
  top_logprobs: 0,
  top_p: 1,
  truncation: 'disabled',
  user: null,
  metadata: {},
}

/** Why a chat stopped before its end, in the words of Responses. */
const INCOMPLETE: ReadonlyMap<unknown, string> = new Map([
  ['length', 'max_output_tokens'],
  ['content_filter', 'content_filter'],
])

/** The response before its first output. `chat` is the completion or its first chunk. */
export function startedResponse(chat: unknown, request: Fields): Fields {
  const repeated = Object.entries(REPEATED).map(([name, otherwise]) => [name, request[name] ?? otherwise])
  const tier = textOf(field(chat, 'service_tier'))
  return {
    id: responseId(field(chat, 'id')),
    object: 'response',
    created_at: field(chat, 'created'),
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    model: field(chat, 'model'),
    output: [],
    previous_response_id: null,
    ...Object.fromEntries(repeated),
    reasoning: { effort: null, summary: null, ...fieldsOf(request['reasoning']) },
    service_tier: tier || 'default',
    // Chat completions keep no response that could be retrieved.
    store: false,
    text: { format: { type: 'text' }, ...fieldsOf(request['text']) },
    usage: null,
  }
}

/** The same response at its end. Where it is incomplete, its last item is cut. */
export function endedResponse(
  started: Fields,
  finishReason: unknown,
  items: readonly OutputItem[],
  usage: unknown,
): Fields & { status: 'completed' | 'incomplete' } {
  const reason = INCOMPLETE.get(finishReason)
  const status = statusOf(finishReason)
  return {
    ...started,
    status,
    incomplete_details: reason === undefined ? null : { reason },
    output: items.map((item, at) => renderItem(item, at === items.length - 1 ? status : 'completed')),
    usage: usageToResponses(usage),
  }
}

/** The status of an ended response, and of its last item. */
export function statusOf(finishReason: unknown): 'completed' | 'incomplete' {
  return INCOMPLETE.has(finishReason) ? 'incomplete' : 'completed'
}
