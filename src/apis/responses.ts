/** `POST /v1/responses`. */
import { ResponseMeter } from '../streams/response-meter.ts'
import { field } from '../wire/field.ts'
import { parseJson } from '../wire/parse-json.ts'
import { type Api, charactersOf, hasHostedTools, hasOtherParts, measureTurns } from './api.ts'
import { type ResponsesRequest, responsesRequest } from './responses-schema.ts'
import { storedReference } from './stored-references.ts'

/** Events that tell how a response stands, without output. */
const STATUS_EVENT = /^(response\.(queued|created|in_progress|completed|incomplete|failed)|error|keepalive)$/

export const responses: Api<ResponsesRequest> = {
  format: 'responses',
  schema: responsesRequest,
  tokenCapNames: ['max_output_tokens'],

  measurePrompt({ input, instructions, tools }) {
    const size = measureTurns(typeof input === 'string' ? [{ content: input }] : input, tools)
    size.characters += charactersOf(instructions)
    return size
  },

  tokenCapOf: (request) => request.max_output_tokens ?? undefined,

  choicesOf: () => 1,

  hasContentElsewhere(request) {
    const { input, tools } = request
    const items = Array.isArray(input) ? input : []
    return (
      storedReference(request) !== undefined ||
      hasHostedTools(tools) ||
      hasOtherParts(items) ||
      items.some((item) => !TEXT_ITEMS.has(field(item, 'type') ?? 'message'))
    )
  },

  toInputs: ({ model: _name, ...inputs }) => inputs,

  onlyWithStore: [],

  withUsage: (inputs) => inputs,

  createMeter: () => new ResponseMeter(),

  /** A reasoning item is no output: it comes empty before the model thinks. Long data are cut, and have their type first. */
  isOutput(data) {
    const event = parseJson(data)
    const type: unknown = field(event, 'type') ?? /"type"\s*:\s*"([^"]*)"/.exec(data)?.[1]
    return !STATUS_EVENT.test(String(type)) && field(field(event, 'item'), 'type') !== 'reasoning'
  },

  /**
   * The reference documents the fields flat (`ResponseErrorEvent`), and the API sends them in `error`. The Python SDK
   * raises only on `error`, and the .NET one reads only the flat fields. The number is 0 where no meter has counted.
   */
  errorEvent({ error }, events) {
    const data = { ...error, type: 'error', sequence_number: events, error }
    return `event: error\ndata: ${JSON.stringify(data)}`
  },
}

/** Items whose tokens all stand in the body. */
const TEXT_ITEMS = new Set<unknown>([
  'message',
  'reasoning',
  'function_call',
  'function_call_output',
  'custom_tool_call',
  'custom_tool_call_output',
])
