import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { chatCompletionRequest } from '../../../src/apis/chat-completions-schema.ts'
import { integer } from '../../../src/wire/integer.ts'
import { isoTimestamp } from '../../../src/wire/iso-timestamp.ts'
import { explain, FIRST_ISSUE_ONLY } from '../../../src/wire/validation-error.ts'
import type { ParameterFailure } from '../../../src/failure.ts'
import { EXCERPT_CHARACTERS_MAX, valueAt } from '../../../src/wire/parameter-text.ts'

const SEED = 20_251_123
const SLOW = { timeout: 60_000 }

describe('explain', () => {
  it.each<[string, z.ZodMiniType, unknown, string | null, string, string]>([
    [
      'an unknown field',
      z.strictObject({ a: z.optional(z.string()) }),
      { b: 1 },
      'b',
      'unknown_parameter',
      "Unknown parameter: 'b'.",
    ],
    [
      'an unknown nested field',
      z.object({ a: z.strictObject({}) }),
      { a: { b: 1 } },
      'a.b',
      'unknown_parameter',
      "Unknown parameter: 'a.b'.",
    ],
    [
      'a forbidden field',
      z.object({ a: z.optional(z.never()) }),
      { a: 1 },
      'a',
      'unknown_parameter',
      "Unknown parameter: 'a'.",
    ],
    [
      'a string too long',
      z.object({ user: z.string().check(z.maxLength(64)) }),
      { user: 'x'.repeat(70) },
      'user',
      'string_above_max_length',
      "Invalid 'user': string too long. Expected a string with maximum length 64, but got a string with length 70 instead.",
    ],
    [
      'a string too short',
      z.object({ a: z.string().check(z.minLength(3)) }),
      { a: 'x' },
      'a',
      'string_below_min_length',
      "Invalid 'a': string too short. Expected a string with minimum length 3, but got a string with length 1 instead.",
    ],
    [
      'an array too short',
      z.object({ a: z.array(z.string()).check(z.minLength(2)) }),
      { a: ['x'] },
      'a',
      'array_below_min_length',
      "Invalid 'a': array too short. Expected an array with minimum length 2, but got an array with length 1 instead.",
    ],
    [
      'a number at an exclusive bound',
      z.object({ a: z.number().check(z.gt(0)) }),
      { a: 0 },
      'a',
      'decimal_below_min_value',
      "Invalid 'a': decimal below minimum value. Expected a value > 0, but got 0 instead.",
    ],
    [
      'an integer below its range',
      z.object({ a: integer(1, 9) }),
      { a: 0 },
      'a',
      'integer_below_min_value',
      "Invalid 'a': integer below minimum value. Expected a value >= 1, but got 0 instead.",
    ],
    [
      'a named z.int() below its range',
      z.object({ a: z.int('an integer').check(z.minimum(1)) }),
      { a: 0 },
      'a',
      'integer_below_min_value',
      "Invalid 'a': integer below minimum value. Expected a value >= 1, but got 0 instead.",
    ],
    [
      'a decimal for z.int()',
      z.object({ a: z.int() }),
      { a: 1.5 },
      'a',
      'invalid_type',
      "Invalid type for 'a': expected an integer, but got a decimal number instead.",
    ],
    [
      'an infinite number',
      z.number(),
      JSON.parse('1e999'),
      null,
      'invalid_type',
      'Invalid type for request body: expected a decimal, but got an infinite number instead.',
    ],
    [
      'a value other than the only one',
      z.object({ a: z.literal(true) }),
      { a: false },
      'a',
      'invalid_value',
      'Invalid value: false. Supported values are: true.',
    ],
    [
      'a type other than that of the only value',
      z.object({ a: z.literal('x') }),
      { a: 1 },
      'a',
      'invalid_type',
      "Invalid type for 'a': expected 'x', but got an integer instead.",
    ],
    [
      'a check without a message',
      z.object({ a: z.string().check(z.refine(() => false)) }),
      { a: '' },
      'a',
      'invalid_value',
      "Invalid value for 'a'.",
    ],
    [
      'a check with a message',
      z.object({ a: z.string().check(z.refine(() => false, 'Say it in French.')) }),
      { a: '' },
      'a',
      'invalid_value',
      'Say it in French.',
    ],
    [
      'a check with a message and a code',
      z.object({
        a: z
          .string()
          .check(z.refine(() => false, { error: 'Say it in French.', params: { code: 'not_french' } })),
      }),
      { a: '' },
      'a',
      'not_french',
      'Say it in French.',
    ],
    [
      'a schema with its own message',
      z.object({ a: z.string('Give the key a name.') }),
      {},
      'a',
      'missing_required_parameter',
      'Give the key a name.',
    ],
    [
      'a string of the wrong format',
      z.object({ a: z.email() }),
      { a: 'x' },
      'a',
      'invalid_value',
      "Invalid 'a': expected the format 'email', but got 'x' instead.",
    ],
    [
      'a string of the wrong format that has a name',
      z.object({ a: z.iso.datetime('an ISO 8601 time') }),
      { a: 'noon' },
      'a',
      'invalid_value',
      "Invalid 'a': expected an ISO 8601 time, but got 'noon' instead.",
    ],
    [
      'a code that no schema here has',
      z.object({ a: z.number().check(z.multipleOf(2)) }),
      { a: 3 },
      'a',
      'invalid_value',
      "Invalid value for 'a'.",
    ],
  ])('says what is wrong with %s', (_name, schema, input, param, code, message) => {
    expect(refusal(schema, input)).toEqual({ kind: 'invalid_parameter', param, code, message })
  })

  it('follows a union without a tag into the branch that fits best', () => {
    const cat = z.object({ kind: z.literal('cat'), lives: z.number() })
    const dog = z.object({ kind: z.literal('dog'), tricks: z.array(z.object({ name: z.string() })) })
    const pet = z.object({ pet: z.union([z.string(), cat, dog, z.array(z.union([cat, dog]))]) })
    expect(refusal(pet, { pet: { kind: 'dog', tricks: [{ name: 1 }] } }).param).toBe('pet.tricks[0].name')
    expect(refusal(pet, { pet: { kind: 'cat' } }).param).toBe('pet.lives')
    expect(refusal(pet, { pet: { kind: 'dog' } }).param).toBe('pet.tricks')
    expect(refusal(pet, { pet: [{ kind: 'dog', tricks: 0 }] }).param).toBe('pet[0].tricks')
    expect(refusal(pet, { pet: true }).message).toBe(
      "Invalid type for 'pet': expected one of a string, object, or array, but got a boolean instead.",
    )
  })

  it('shortens a caller’s long value or field name in the message', () => {
    const long = 'x'.repeat(10_000)
    const schemas = [
      z.enum(['a']),
      isoTimestamp,
      z.object({}).check(z.refine(() => false)),
      z.record(z.string(), z.never()),
    ]
    for (const schema of schemas) {
      for (const input of [long, { [long]: long }, { [`${long} `]: [long] }]) {
        const { message, param } = refusal(schema, input)
        expect(message.length).toBeLessThan(2 * EXCERPT_CHARACTERS_MAX + 100)
        expect((param ?? '').length).toBeLessThan(EXCERPT_CHARACTERS_MAX + 10)
      }
    }
  })

  it('writes well-formed Unicode, even when it shortens a value inside an emoji', () => {
    const { message } = refusal(z.enum(['a']), `${'x'.repeat(EXCERPT_CHARACTERS_MAX - 1)}😀`)
    expect(message.isWellFormed()).toBe(true)
  })

  it(
    'never throws, always has a message and a code, and names a param that exists or is missing from its parent',
    SLOW,
    () => {
      const other = z.union([
        z.strictObject({ a: z.tuple([z.string()]) }),
        z.array(z.union([z.literal(1), z.null()])),
      ])
      let refused = 0
      fc.assert(
        fc.property(fc.oneof(malformedBody(), fc.jsonValue()), fc.jsonValue(), (body, unrelated) => {
          for (const schema of [chatCompletionRequest, other]) {
            const result = schema.safeParse(body)
            if (result.success) continue
            refused += 1
            const { param, message, code } = explain(result.error.issues, body)
            expect(message).not.toBe('')
            expect(code).not.toBe('')
            if (param !== null)
              expect(stepsOf(param).every((_, at, all) => leads(body, all.slice(0, at)))).toBe(true)
            expect(explain(result.error.issues, unrelated).message).not.toBe('')
          }
          expect(explain([], body).message).not.toBe('')
        }),
        { seed: SEED, numRuns: 3000 },
      )
      expect(refused).toBeGreaterThan(3000)
    },
  )

  it('never throws for values that are not JSON', SLOW, () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
        (body) => {
          const result = chatCompletionRequest.safeParse(body)
          expect(result.success || explain(result.error.issues, body).message).not.toBe('')
        },
      ),
      { seed: SEED, numRuns: 1000 },
    )
  })
})

/** Returns the failure, which must not depend on whether the schema reports all issues or only the first. */
function refusal(schema: z.ZodMiniType, input: unknown): ParameterFailure {
  const [all, first] = [schema.safeParse(input), schema.safeParse(input, FIRST_ISSUE_ONLY)]
  if (all.success || first.success) throw new Error(`accepted ${JSON.stringify(input)}`)
  const failure = explain(first.error.issues, input)
  expect(explain(all.error.issues, input)).toEqual(failure)
  return failure
}

/** Generates bodies with the fields of a request and mostly wrong values. */
function malformedBody(): fc.Arbitrary<unknown> {
  const some = fc.jsonValue()
  const type = fc.constantFrom('text', 'image_url', 'function', 'custom', 'json_schema', 'none', 7, null)
  const named = fc.record({ name: some, arguments: some, parameters: some }, { requiredKeys: [] })
  const tagged = fc.record(
    { type, id: some, text: some, function: fc.oneof(named, some), custom: some },
    { requiredKeys: [] },
  )
  const content = fc.oneof(fc.string(), fc.array(fc.oneof(tagged, some)), some)
  const role = fc.constantFrom('user', 'assistant', 'tool', 'system', 'function', 'nobody')
  const message = fc.record(
    { role, content, name: some, tool_calls: fc.array(tagged), tool_call_id: some },
    { requiredKeys: [] },
  )
  const fields = {
    model: fc.constantFrom('o3-mini', '', 7),
    messages: fc.array(message),
    n: some,
    stop: some,
  }
  const more = {
    tools: fc.array(tagged),
    tool_choice: fc.oneof(tagged, type),
    metadata: some,
    stream_options: some,
  }
  return fc.record(
    { ...fields, ...more, response_format: fc.oneof(tagged, some) },
    { requiredKeys: ['model'] },
  )
}

/** Parses a param in OpenAI's notation, as a client does to mark a field in a form. */
function stepsOf(param: string): (string | number)[] {
  const steps: (string | number)[] = []
  const token = /(?:^|\.)([\w$-]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/uy
  while (token.lastIndex < param.length) {
    const at = token.lastIndex
    const found = token.exec(param)
    if (found === null) throw new Error(`cannot read '${param}' from ${at}`)
    const [, name, index, text] = found
    if (name !== undefined) steps.push(name)
    else if (index === undefined) steps.push(String(JSON.parse(text ?? '')))
    else steps.push(Number(index))
  }
  return steps
}

function leads(body: unknown, steps: readonly (string | number)[]): boolean {
  return steps.length === 0 || valueAt(body, steps) !== undefined
}
