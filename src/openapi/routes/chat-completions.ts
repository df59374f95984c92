/** The route of OpenAI's Chat Completions API. */
import { chatCompletionRequest } from '../../apis/chat-completions-schema.ts'
import { ANYWHERE, WITH_BODY, WITH_KEY, WITH_MODEL } from '../failure-lists.ts'
import { type Operation, refusalOfBody } from '../operation.ts'
import { NO_FALLBACK } from './parameters.ts'

const QUESTION = { role: 'user', content: 'What are the three laws of thermodynamics?' }

const WEATHER = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather of a city.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
}

const CITY_SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' }, country: { type: 'string' } },
  required: ['city', 'country'],
  additionalProperties: false,
}

const STREAM = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1798761600,"model":"o3-mini","choices":[{"index":0,"delta":{"role":"assistant","content":"Energy"},"finish_reason":null}]}

data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1798761600,"model":"o3-mini","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

data: [DONE]

`

export const chatOperations: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/chat/completions',
    id: 'createChatCompletion',
    tag: 'Chat completions',
    summary: 'Complete a conversation',
    caller: 'key',
    parameters: [NO_FALLBACK],
    body: {
      schema: 'ChatCompletionRequest',
      required: true,
      examples: {
        question: { summary: 'A question', value: { model: 'o3-mini', messages: [QUESTION] } },
        stream: {
          summary: 'A stream with its usage',
          value: {
            model: 'o3-mini',
            messages: [{ role: 'developer', content: 'Be brief.' }, QUESTION],
            stream: true,
            stream_options: { include_usage: true },
          },
        },
        effort: {
          summary: 'Little reasoning, and a cap on the completion',
          value: {
            model: 'o3-mini',
            messages: [QUESTION],
            reasoning_effort: 'low',
            max_completion_tokens: 2000,
          },
        },
        tool: {
          summary: 'A tool of the caller',
          value: {
            model: 'o3-mini',
            messages: [{ role: 'user', content: 'How is the weather in Rome?' }],
            tools: [WEATHER],
          },
        },
        toolResult: {
          summary: 'The result of a tool',
          value: {
            model: 'o3-mini',
            messages: [
              { role: 'user', content: 'How is the weather in Rome?' },
              {
                role: 'assistant',
                content: null,
                tool_calls: [
                  {
                    id: 'call_1',
                    type: 'function',
                    function: { name: 'get_weather', arguments: '{"city":"Rome"}' },
                  },
                ],
              },
              { role: 'tool', tool_call_id: 'call_1', content: 'Sunny, 24 °C.' },
            ],
            tools: [WEATHER],
          },
        },
        schema: {
          summary: 'An answer that fits a JSON schema',
          value: {
            model: 'o3-mini',
            messages: [{ role: 'user', content: 'Name a city.' }],
            response_format: {
              type: 'json_schema',
              json_schema: { name: 'city', schema: CITY_SCHEMA, strict: true },
            },
          },
        },
      },
    },
    answer: {
      status: 200,
      description: 'The model’s answer, byte for byte.',
      headers: ['cache-control', 'content-encoding', 'x-accel-buffering'],
      json: {
        schema: 'ChatCompletion',
        examples: {
          completion: {
            summary: 'An answer',
            value: {
              id: 'chatcmpl-1',
              object: 'chat.completion',
              created: 1_798_761_600,
              model: 'o3-mini',
              choices: [
                {
                  index: 0,
                  finish_reason: 'stop',
                  message: { role: 'assistant', content: 'Energy is conserved. …', refusal: null },
                },
              ],
              usage: {
                prompt_tokens: 15,
                completion_tokens: 851,
                total_tokens: 866,
                prompt_tokens_details: { cached_tokens: 0 },
                completion_tokens_details: { reasoning_tokens: 512 },
              },
            },
          },
        },
      },
      stream: {
        schema: 'ChatCompletionEvent',
        description:
          'Events with JSON in `data`, then `[DONE]`. Comments keep the connection open while the model thinks. A stream that breaks ends with an error and without `[DONE]`.',
        example: STREAM,
      },
    },
    isCounted: true,
    refusal: refusalOfBody(chatCompletionRequest, { model: 'o3-mini', messages: [{ role: 'user' }] }),
    failures: [...WITH_KEY, ...WITH_BODY, ...WITH_MODEL, ...ANYWHERE],
  },
]
