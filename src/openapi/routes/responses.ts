/** The routes of OpenAI's Responses API. The gateway stores no responses, so most of them are a 404 that says so. */
import { responsesRequest } from '../../apis/responses-schema.ts'
import { ANYWHERE, WITH_BODY, WITH_KEY, WITH_MODEL } from '../failure-lists.ts'
import { type Operation, type Parameter, refusalOfBody } from '../operation.ts'
import { NO_FALLBACK } from './parameters.ts'

const WEATHER = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
}

const MESSAGE = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text: 'Energy is conserved. …', annotations: [] }],
}

const STREAM = `event: response.output_text.delta
data: {"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"Energy"}

`

const ID: Parameter = {
  name: 'id',
  in: 'path',
  description: 'The id of a response.',
  schema: { type: 'string' },
  example: 'resp_1',
}

export const responseOperations: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/responses',
    id: 'createResponse',
    tag: 'Responses',
    summary: 'Create a response',
    description:
      'Without storage: send earlier items whole in `input`, and reasoning with `include: ["reasoning.encrypted_content"]`. A body with `messages` is refused, since it belongs to the Chat Completions API.',
    caller: 'key',
    parameters: [NO_FALLBACK],
    body: {
      schema: 'ResponsesRequest',
      required: true,
      examples: {
        question: {
          summary: 'A question',
          value: { model: 'o3-mini', input: 'What are the three laws of thermodynamics?' },
        },
        stream: {
          summary: 'A stream',
          value: { model: 'o3-mini', instructions: 'Be brief.', input: 'What is recursion?', stream: true },
        },
        reasoning: {
          summary: 'Reasoning that can be sent back',
          value: {
            model: 'o3-mini',
            input: [{ role: 'user', content: [{ type: 'input_text', text: 'What is recursion?' }] }],
            reasoning: { effort: 'low' },
            include: ['reasoning.encrypted_content'],
            max_output_tokens: 2000,
          },
        },
        toolResult: {
          summary: 'The result of a tool',
          value: {
            model: 'o3-mini',
            input: [
              { role: 'user', content: 'How is the weather in Rome?' },
              { type: 'function_call', call_id: 'call_1', name: 'get_weather', arguments: '{"city":"Rome"}' },
              { type: 'function_call_output', call_id: 'call_1', output: 'Sunny, 24 °C.' },
            ],
            tools: [WEATHER],
          },
        },
      },
    },
    answer: {
      status: 200,
      description: 'The model’s answer, byte for byte.',
      headers: ['cache-control', 'content-encoding', 'x-accel-buffering'],
      json: {
        schema: 'Response',
        examples: {
          response: {
            summary: 'An answer',
            value: {
              id: 'resp_1',
              object: 'response',
              created_at: 1_798_761_600,
              status: 'completed',
              model: 'o3-mini',
              output: [{ id: 'rs_1', type: 'reasoning', summary: [] }, MESSAGE],
              usage: {
                input_tokens: 36,
                output_tokens: 212,
                total_tokens: 248,
                input_tokens_details: { cached_tokens: 8 },
                output_tokens_details: { reasoning_tokens: 192 },
              },
            },
          },
        },
      },
      stream: {
        schema: 'ResponseEvent',
        description:
          'Events with JSON in `data`. Comments keep the connection open while the model thinks. A stream that breaks ends with an event `error`.',
        example: STREAM,
      },
    },
    isCounted: true,
    refusal: refusalOfBody(responsesRequest, { model: 'o3-mini', input: 'Hi', background: true }),
    failures: [...WITH_KEY, ...WITH_BODY, ...WITH_MODEL, ...ANYWHERE],
  },
  notStored('get', '/v1/responses/{id}', 'getResponse', 'Show a stored response'),
  notStored('delete', '/v1/responses/{id}', 'deleteResponse', 'Delete a stored response'),
  notStored('post', '/v1/responses/{id}/cancel', 'cancelResponse', 'Cancel a response'),
  notStored('get', '/v1/responses/{id}/input_items', 'listInputItems', 'List the input of a stored response'),
]

function notStored(method: Operation['method'], path: string, id: string, summary: string): Operation {
  return {
    method,
    path,
    id,
    tag: 'Responses',
    summary,
    description: 'Always a 404, since the gateway stores no responses.',
    caller: 'key',
    parameters: [ID],
    failures: [...WITH_KEY, 'response_not_found', ...ANYWHERE],
  }
}
