import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chatCompletionRequest } from '../../../src/apis/chat-completions-schema.ts'
import { explain, FIRST_ISSUE_ONLY } from '../../../src/wire/validation-error.ts'
import type { ParameterFailure } from '../../../src/failure.ts'
import { arbitraryFromSchema, fits, isObject } from '../../support/arbitrary-from-schema.ts'
import type { Definitions } from '../../support/arbitrary-from-schema.ts'
import refusals from '../../support/fixtures/chat-refusals.json'
import vendor from '../../support/fixtures/openai-chat.schema.json'
import { SEED_EXAMPLES } from '../../support/seed-examples.ts'

const SEED = 20_251_123
const SLOW = { timeout: 60_000 }

const user = { role: 'user', content: 'Hello!' }
const hello = { model: 'o3-mini', messages: [user] }
const toolCall = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }
const tool = { type: 'function', function: { name: 'f' } }

const definitions: Definitions = vendor.$defs
const requestSchema = { $ref: '#/$defs/CreateChatCompletionRequest' }

/** Generates bodies that are valid in the vendor's schema. */
const published = arbitraryFromSchema(requestSchema, definitions).map(overTheWire)

describe('the chat completions schema accepts', () => {
  it.each(Object.entries(SEED_EXAMPLES))('the model page’s example: %s', (_title, example) => {
    expect(refusal({ model: 'o3-mini', ...example })).toBeNull()
  })

  it.each(vendor.examples.map(({ title, body }) => ({ title, body })))(
    "the vendor's example: $title",
    ({ body }) => {
      expect(refusal(body)).toBeNull()
    },
  )

  it("every body that is valid in the vendor's schema, without changing it", SLOW, () => {
    fc.assert(
      fc.property(published, (body) => {
        expect(fits(body, requestSchema, definitions)).toBe(true)
        const within = withinExceptions(body)
        const before = JSON.stringify(within)
        expect(refusal(within)).toBeNull()
        expect(JSON.stringify(within)).toBe(before)
      }),
      { seed: SEED, numRuns: 1500 },
    )
  })

  it("a modified body that is still valid in the vendor's schema", SLOW, () => {
    let valid = 0
    fc.assert(
      fc.property(published, fc.array(fc.nat()), fc.jsonValue(), (body, steps, value) => {
        const modified = overTheWire(replaced(body, steps, value))
        if (!fits(modified, requestSchema, definitions)) return
        valid += 1
        expect(refusal(withinExceptions(modified))).toBeNull()
      }),
      { seed: SEED, numRuns: 1500 },
    )
    expect(valid).toBeGreaterThan(100)
  })

  it.each<[string, Record<string, unknown>]>([
    [
      'null content with tool calls',
      { messages: [{ role: 'assistant', content: null, tool_calls: [toolCall] }] },
    ],
    ['absent content with tool calls', { messages: [{ role: 'assistant', tool_calls: [toolCall] }] }],
    [
      'null content from a deprecated function',
      { messages: [{ role: 'function', name: 'f', content: null }] },
    ],
    ['null in place of every optional field', optionalFieldsAsNull()],
    ['a 63-bit seed', { seed: 2 ** 63 - 1024 }],
    ['an unknown service tier', { service_tier: 'overnight' }],
    [
      'unknown fields at every level',
      { x: {}, messages: [{ ...user, x: 1, content: [{ type: 'text', text: '', x: 1 }] }] },
    ],
    ['64 emoji as a safety identifier', { safety_identifier: '😀'.repeat(64) }],
    ['more tools than OpenAI takes', { tools: Array.from({ length: 200 }, () => tool) }],
    [
      'the upper bounds',
      { temperature: 2, top_p: 1, presence_penalty: 2, frequency_penalty: 2, n: 128, top_logprobs: 20 },
    ],
    [
      'the lower bounds',
      { temperature: 0, top_p: 0, presence_penalty: -2, frequency_penalty: -2, n: 1, top_logprobs: 0 },
    ],
    ['the smallest token limits', { max_tokens: 1, max_completion_tokens: 1 }],
  ])('%s', (_name, fields) => {
    expect(refusal({ ...hello, ...fields })).toBeNull()
  })
})

describe('the chat completions schema refuses in OpenAI’s words', () => {
  it.each<[unknown, string | null, string, string]>([
    [
      [],
      null,
      'invalid_type',
      'Invalid type for request body: expected an object, but got an array instead.',
    ],
    [null, null, 'invalid_type', 'Invalid type for request body: expected an object, but got null instead.'],
    [
      'hi',
      null,
      'invalid_type',
      'Invalid type for request body: expected an object, but got a string instead.',
    ],
    [{}, 'model', 'missing_required_parameter', "Missing required parameter: 'model'."],
    [
      { model: 'o3-mini' },
      'messages',
      'missing_required_parameter',
      "Missing required parameter: 'messages'.",
    ],
  ])('the body %j', (body, param, code, message) => {
    expect(refusal(body)).toEqual({ kind: 'invalid_parameter', param, code, message })
  })

  it.each(refusals)('$fields', ({ fields, param, code, message }) => {
    expect(refusal({ ...hello, ...fields })).toEqual({ kind: 'invalid_parameter', param, code, message })
  })

  it('the field that OpenAI would name first among several wrong fields', () => {
    expect(refusal({ seed: 1.5, model: 'o3-mini', messages: [7], metadata: 7 })?.param).toBe('messages[0]')
    expect(refusal({ ...hello, metadata: 7, stream: 'y', n: 'abc' })?.param).toBe('n')
  })

  it('a body with a million errors after the first error', () => {
    const content = Array.from({ length: 1_000_000 }, () => 7)
    const result = chatCompletionRequest.safeParse(
      { ...hello, messages: [{ role: 'user', content }] },
      FIRST_ISSUE_ONLY,
    )
    expect(JSON.stringify(result.error?.issues).length).toBeLessThan(1000)
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['an empty model', { model: '' }, 'model'],
    ['a token limit of 0', { max_completion_tokens: 0 }, 'max_completion_tokens'],
    ['a token limit below 0', { max_tokens: -1 }, 'max_tokens'],
    ['stream options without a stream', { stream_options: {} }, 'stream_options'],
  ])("%s, although the vendor's schema allows it", (_name, fields, param) => {
    const body = { ...hello, ...fields }
    expect(fits(body, requestSchema, definitions)).toBe(true)
    expect(refusal(body)?.param).toBe(param)
  })
})

function refusal(body: unknown): ParameterFailure | null {
  const result = chatCompletionRequest.safeParse(body, FIRST_ISSUE_ONLY)
  return result.success ? null : explain(result.error.issues, body)
}

/** Returns every optional top-level field of the vendor's schema as null. */
function optionalFieldsAsNull(): Record<string, null> {
  const [, own] = vendor.$defs.CreateChatCompletionRequest.allOf
  const names = Object.keys(own?.properties ?? {}).filter((name) => !(name in hello))
  if (names.length < 20) throw new Error("the vendor's schema has changed its shape")
  return Object.fromEntries(names.map((name) => [name, null]))
}

/** Changes a body as little as needed to avoid the gateway's deliberate refusals. */
function withinExceptions(value: unknown): unknown {
  if (!isObject(value)) return value
  const body = { ...value }
  if (body['model'] === '') body['model'] = 'o3-mini'
  for (const limit of ['max_tokens', 'max_completion_tokens']) {
    const tokens = body[limit]
    if (typeof tokens === 'number' && tokens < 1) body[limit] = 1 - tokens
  }
  if ((body['stream_options'] ?? null) !== null) body['stream'] = true
  return body
}

/** Sends a value through JSON, which has no undefined and no -0. */
function overTheWire(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

/** Copies a value with `by` at the place reached through `steps`. */
function replaced(value: unknown, steps: readonly number[], by: unknown): unknown {
  const [step, ...further] = steps
  if (step === undefined || typeof value !== 'object' || value === null) return by
  const keys = Object.keys(value)
  const key = keys[step % keys.length]
  if (key === undefined) return by
  const inner: unknown = Reflect.get(value, key)
  if (Array.isArray(value)) return value.with(Number(key), replaced(inner, further, by))
  return { ...value, [key]: replaced(inner, further, by) }
}
