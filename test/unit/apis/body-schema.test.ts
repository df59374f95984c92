import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { bodySchema } from '../../../src/apis/body-schema.ts'
import { chatCompletionRequest } from '../../../src/apis/chat-completions-schema.ts'
import { responsesRequest } from '../../../src/apis/responses-schema.ts'
import { FIRST_ISSUE_ONLY } from '../../../src/wire/validation-error.ts'

const SCALARS = ['o3-mini', '', 'high', null, undefined, true, false, 0, 1, 1.5, 1e9, -3]
const LISTS = [[], ['Hi'], [{ type: 'function', function: { name: 'f' } }], [{ role: 'user', content: 'Hi' }]]
const OBJECTS = [{}, { type: 'text' }, { include_usage: true }, { effort: 'low' }, { a: 'b' }]
const value = fc.constantFrom<unknown>(...SCALARS, ...LISTS, ...OBJECTS, [{ role: 'user' }])

describe.each([
  ['chat', chatCompletionRequest, chatCompletionRequest._zod.innerType],
  ['responses', responsesRequest, responsesRequest._zod.innerType],
])('the parameters of a %s body', (_name, schema, whole) => {
  const name = fc.constantFrom(
    ...Object.keys(whole._zod.def.shape),
    'unknown',
    'constructor',
    'toString',
    '__proto__',
    'hasOwnProperty',
  )
  const valid = fc.constantFrom<readonly (readonly [string, unknown])[]>(
    [],
    [['model', 'o3-mini']],
    [
      ['model', 'o3-mini'],
      ['messages', [{ role: 'user', content: 'Hi' }]],
    ],
    [
      ['model', 'o3-mini'],
      ['input', 'Hi'],
    ],
  )
  const body = fc
    .tuple(valid, fc.array(fc.tuple(name, value), { maxLength: 5 }), fc.boolean())
    .map(([first, more, isReversed]) => bodyOf(isReversed ? [...more, ...first] : [...first, ...more]))

  it('get the same issues on the fast path as from the schema', () => {
    fc.assert(
      fc.property(body, (body) => {
        expect(issuesOf(schema, body)).toEqual(issuesOf(whole, body))
      }),
      { numRuns: 3_000 },
    )
  })

  it('are refused where the body is no object', () => {
    for (const body of [null, undefined, 'Hi', 7, [], [{ model: 'o3-mini' }]]) {
      expect(issuesOf(schema, body)).toEqual(issuesOf(whole, body))
      expect(issuesOf(schema, body)).not.toEqual([])
    }
  })
})

describe('a body of which no parameter is required', () => {
  const schema = bodySchema({ name: () => z.string() }, { required: [] })

  it('may have none, and is no array or other value', () => {
    expect(issuesOf(schema, {})).toEqual([])
    for (const body of [[], ['Hi'], null, 'Hi']) {
      expect(issuesOf(schema, body)).toEqual([expect.objectContaining({ code: 'invalid_type', path: [] })])
    }
  })
})

/** As the parser makes it: every name is a property of the body's own. */
function bodyOf(entries: readonly (readonly [string, unknown])[]): unknown {
  const body = {}
  for (const [name, value] of entries) {
    Object.defineProperty(body, name, { value, enumerable: true, configurable: true, writable: true })
  }
  return body
}

function issuesOf(schema: z.ZodMiniType, body: unknown): unknown {
  return z.safeParse(schema, body, FIRST_ISSUE_ONLY).error?.issues ?? []
}
