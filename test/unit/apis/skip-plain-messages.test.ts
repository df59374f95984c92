import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { chatCompletionRequest } from '../../../src/apis/chat-completions-schema.ts'

const role = fc.constantFrom(
  'system',
  'developer',
  'user',
  'assistant',
  'tool',
  'function',
  'robot',
  null,
  undefined,
)
const content = fc.constantFrom<unknown>(
  'Hi',
  '',
  null,
  undefined,
  7,
  ['Hi'],
  [{ type: 'text', text: 'Hi' }],
  {},
)
const beside = fc.constantFrom(
  {},
  { name: 'x' },
  { name: 7 },
  { tool_calls: [] },
  { tool_call_id: 'x' },
  { toString: 1 },
)
const message = fc.oneof(
  fc.tuple(role, content, beside).map(([role, content, more]) => ({ role, content, ...more })),
  fc.constantFrom<unknown>(
    null,
    'Hi',
    [],
    ['Hi', 'Hi'],
    {},
    JSON.parse('{"__proto__": {}, "role": "user", "content": "Hi"}'),
  ),
)

/** A valid message that is not plain makes zod check all other messages too. */
const TOOL_MESSAGE = { role: 'tool', content: 'Hi', tool_call_id: 'call_1' }

describe('plain messages', () => {
  it('get the same issues on the fast path as from the schema', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 4 }), (messages) => {
        expect(issuesOf(messages)).toEqual(issuesOf([...messages, TOOL_MESSAGE]))
      }),
      { numRuns: 2_000 },
    )
  })

  it('are valid, unlike an empty list or an incomplete message', () => {
    expect(issuesOf([{ role: 'user', content: 'Hi' }])).toEqual([])
    expect(issuesOf([])).not.toEqual([])
    expect(issuesOf([{ role: 'tool', content: 'Hi' }])).not.toEqual([])
    expect(issuesOf([{ role: 'user', content: 'Hi' }, { role: 'user' }])).not.toEqual([])
  })
})

function issuesOf(messages: unknown): unknown {
  const result = z.safeParse(chatCompletionRequest, { model: 'o3-mini', messages })
  return result.error?.issues ?? []
}
