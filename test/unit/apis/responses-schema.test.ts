import * as z from 'zod/mini'
import { describe, expect, it } from 'vitest'
import type { ParameterFailure } from '../../../src/failure.ts'
import { explain, FIRST_ISSUE_ONLY } from '../../../src/wire/validation-error.ts'
import { responsesRequest } from '../../../src/apis/responses-schema.ts'

const hello = { model: 'o3-mini', input: 'Hello!' }

function refusal(body: unknown): ParameterFailure | null {
  const result = z.safeParse(responsesRequest, body, FIRST_ISSUE_ONLY)
  return result.success ? null : explain(result.error.issues, body)
}

describe('the responses schema accepts', () => {
  it.each<[string, Record<string, unknown>]>([
    ['a text', {}],
    [
      'items of any kind',
      {
        input: [
          { role: 'user', content: 'Hi' },
          { type: 'item_of_next_year', x: [] },
        ],
      },
    ],
    ['no items', { input: [] }],
    ['tools of any kind', { tools: [{ type: 'function', name: 'f' }, { type: 'web_search' }] }],
    ['a choice of a tool', { tool_choice: { type: 'function', name: 'f' } }],
    ['a schema', { text: { format: { type: 'json_schema', name: 'n', schema: {} }, verbosity: 'low' } }],
    ['an effort', { reasoning: { effort: 'none', summary: 'auto' } }],
    [
      'references and a request for storage, which a later stage judges',
      {
        store: true,
        previous_response_id: 'resp_1',
        conversation: { id: 'conv_1' },
        prompt: { id: 'pmpt_1' },
      },
    ],
    ['unknown fields', { something_new: { deeply: [1] } }],
    ['a switched-off background', { background: false }],
    [
      'null for every optional field',
      Object.fromEntries(
        (
          'instructions max_output_tokens tools tool_choice text reasoning temperature top_p stream metadata ' +
          'previous_response_id conversation background include truncation store user parallel_tool_calls'
        )
          .split(' ')
          .map((name) => [name, null]),
      ),
    ],
  ])('%s', (_name, overrides) => {
    expect(refusal({ ...hello, ...overrides })).toBeNull()
  })
})

describe('the responses schema refuses', () => {
  it.each<[unknown, string, string, string]>([
    [{ model: undefined }, 'model', 'missing_required_parameter', "Missing required parameter: 'model'."],
    [{ input: undefined }, 'input', 'missing_required_parameter', "Missing required parameter: 'input'."],
    [
      { input: 5 },
      'input',
      'invalid_type',
      "Invalid type for 'input': expected one of a string or array of objects, but got an integer instead.",
    ],
    [
      { input: ['Hi'] },
      'input[0]',
      'invalid_type',
      "Invalid type for 'input[0]': expected an object, but got a string instead.",
    ],
    [
      { temperature: 2.1 },
      'temperature',
      'decimal_above_max_value',
      "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 2.1 instead.",
    ],
    [
      { top_p: -1 },
      'top_p',
      'decimal_below_min_value',
      "Invalid 'top_p': decimal below minimum value. Expected a value >= 0, but got -1 instead.",
    ],
    [
      { max_output_tokens: 0 },
      'max_output_tokens',
      'integer_below_min_value',
      "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 1, but got 0 instead.",
    ],
    [
      { stream: 'yes' },
      'stream',
      'invalid_type',
      "Invalid type for 'stream': expected a boolean, but got a string instead.",
    ],
    [
      { tools: [{ name: 'f' }] },
      'tools[0].type',
      'missing_required_parameter',
      "Missing required parameter: 'tools[0].type'.",
    ],
    [
      { reasoning: { effort: 'extreme' } },
      'reasoning.effort',
      'invalid_value',
      "Invalid value: 'extreme'. Supported values are: 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', and 'max'.",
    ],
    [
      { text: { format: { type: 'xml' } } },
      'text.format.type',
      'invalid_value',
      "Invalid value: 'xml'. Supported values are: 'json_object', 'json_schema', and 'text'.",
    ],
    [
      { text: { format: { type: 'json_schema', name: 'n' } } },
      'text.format.schema',
      'missing_required_parameter',
      "Missing required parameter: 'text.format.schema'.",
    ],
  ])('%j in OpenAI’s words', (overrides, param, code, message) => {
    expect(refusal({ ...hello, ...(overrides as object) })).toEqual({
      kind: 'invalid_parameter',
      param,
      code,
      message,
    })
  })

  it.each<[Record<string, unknown>, RegExp]>([
    [{ background: true }, /in the background.*'stream'/],
    [{ messages: [{ role: 'user', content: 'Hi' }], input: undefined }, /moved to 'input'/],
    [{ messages: null }, /moved to 'input'/],
  ])('%j, which is unsupported, and names an alternative', (overrides, message) => {
    const [param] = Object.keys(overrides)
    const failure = refusal({ ...hello, ...overrides })
    expect(failure).toMatchObject({ param, code: 'unsupported_parameter' })
    expect(failure?.message).toMatch(message)
  })
})
