/** The simulator looks at references, and has nothing stored that they could find. */
import { describe, expect, it } from 'vitest'
import { missingReference } from '../../../../src/local/model/missing-reference.ts'
import { env } from '../../../support/gateway.ts'

const USER = { role: 'user', content: 'Hi' }

describe('a reference', () => {
  it.each<[Record<string, unknown>, string, number]>([
    [{ previous_response_id: 'x1' }, 'previous_response_id', 400],
    [{ conversation: 'x1' }, 'conversation', 404],
    [{ conversation: { id: 'x1' } }, 'conversation', 404],
    [{ prompt: { id: 'x1' } }, 'prompt', 404],
    [{ input: [USER, { type: 'item_reference', id: 'x1' }] }, 'input', 404],
    [{ input: [{ id: 'x1' }] }, 'input', 404],
    [{ input: [{ type: 'reasoning', id: 'x1', summary: [] }] }, 'input', 404],
    [{ input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'x1' }] }] }, 'input', 404],
    [{ input: [{ type: 'function_call_output', output: [{ file_id: 'x1' }] }] }, 'input', 404],
    [{ messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'x1' } }] }] }, 'input', 404],
  ])('is not found: %j', (request, param, status) => {
    const message = expect.stringMatching(/with id 'x1' not found\./)
    expect(missingReference(request)).toMatchObject({ param, status, message })
  })

  it('to an item gets the vendor’s 404 over the binding', async () => {
    const inputs = { input: [{ type: 'item_reference', id: 'msg_1' }] }
    const response = await env.AI.run('openai/o3-mini', inputs, {
      returnRawResponse: true,
      gateway: { id: 'default' },
      signal: new AbortController().signal,
    })
    if (!(response instanceof Response)) throw new Error('the simulator returned no response')
    expect([response.status, await response.json()]).toEqual([
      404,
      {
        error: {
          message:
            "Item with id 'msg_1' not found. Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this item from your input.",
          type: 'invalid_request_error',
          param: 'input',
          code: null,
        },
      },
    ])
  })

  it('is nothing that comes with its content, and no null', () => {
    const reasoning = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAAA' }
    const request = { input: [USER, { id: 'msg_1', ...USER }, reasoning], prompt: null, conversation: null }
    expect(missingReference(request)).toBeNull()
    expect(missingReference({ messages: [USER], previous_response_id: null })).toBeNull()
  })
})
