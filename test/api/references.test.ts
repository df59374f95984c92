/** Nothing that the vendor's account stores can be reached, and nothing is left there, unless the operator allows it. */
import { createExecutionContext, reset, waitOnExecutionContext } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { app } from '../../src/app.ts'
import { AT_ONCE, complete, env, errorOf, HELLO, issueKey, respond } from '../support/gateway.ts'

let secret: string
beforeEach(async () => {
  ;({ secret } = await issueKey())
})
afterEach(async () => {
  await reset()
})

/** The inputs of the last call with this tag; `undefined` if no call was made. */
async function inputsOf(tag: string) {
  return (await env.AI.calls()).findLast((call) => call.tag === tag)?.inputs
}

const POST = { responses: respond, chat: complete }
const PATHS = { responses: '/v1/responses', chat: '/v1/chat/completions' }
const SMALLEST = { responses: { model: 'o3-mini', input: 'Hello!' }, chat: HELLO }
type ApiName = keyof typeof POST

/** Sends a body under `VENDOR_STORAGE = "allow"`. */
async function postAllowed(api: ApiName, body: Record<string, unknown>): Promise<Response> {
  const context = createExecutionContext()
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
  const init = { method: 'POST', headers, body: JSON.stringify({ ...SMALLEST[api], ...body }) }
  const vars = { VENDOR_STORAGE: 'allow', ALLOWED_EXTRAS: 'file_search code_interpreter' }
  const response = await app.request(PATHS[api], init, { ...env, ...vars }, context)
  await waitOnExecutionContext(context)
  return response
}

const MESSAGES = [{ role: 'user', content: 'Hello!' }]
const USER = { role: 'user', content: 'Hello!' }
const REASONING = { type: 'reasoning', id: 'rs_1', summary: [] }
const FILE = { type: 'input_file', file_id: 'file-1' }

/** Each refers to something stored, with the 400's `param` and a part of its sentence. */
const RESPONSES: [Record<string, unknown>, string, RegExp][] = [
  [{ previous_response_id: 'resp_1' }, 'previous_response_id', /send the earlier items in 'input'/],
  [{ conversation: 'conv_1' }, 'conversation', /send the earlier items in 'input'/],
  [{ conversation: { id: 'conv_1' } }, 'conversation', /send the earlier items in 'input'/],
  [{ prompt: { id: 'pmpt_1' } }, 'prompt', /in 'instructions' and 'input'/],
  [{ input: [USER, USER, { type: 'item_reference', id: 'msg_1' }] }, 'input[2]', /store: false/],
  [{ input: [USER, { id: 'msg_1' }] }, 'input[1]', /Send the whole item/],
  [{ input: [{ id: 'msg_1', type: null }] }, 'input[0]', /Send the whole item/],
  [{ input: [USER, REASONING] }, 'input[1]', /reasoning\.encrypted_content.*store: false/],
  [{ input: [{ ...REASONING, encrypted_content: null }] }, 'input[0]', /reasoning\.encrypted_content/],
  [{ input: [{ type: 'image_generation_call', id: 'ig_1' }] }, 'input[0]', /Send the whole item/],
  [{ input: [{ role: 'user', content: [FILE] }] }, 'input[0].content[0].file_id', /'file_data'/],
  [
    { input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'file-1' }] }] },
    'input[0].content[0].file_id',
    /data URL in 'image_url'/,
  ],
  [
    { input: [{ type: 'function_call_output', call_id: 'c', output: [FILE] }] },
    'input[0].output[0].file_id',
    /'file_data'/,
  ],
  [
    { input: [{ type: 'computer_call_output', output: { file_id: 'file-1' } }] },
    'input[0].output.file_id',
    /'image_url'/,
  ],
  [
    { tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] },
    'tools[0].vector_store_ids',
    /Send the content/,
  ],
  [
    { tools: [{ type: 'code_interpreter', container: 'cntr_1' }] },
    'tools[0].container',
    /Send \{"type": "auto"\}/,
  ],
  [
    {
      input: [
        {
          type: 'additional_tools',
          role: 'developer',
          tools: [{ type: 'code_interpreter', container: 'cntr_1' }],
        },
      ],
    },
    'input[0].tools[0].container',
    /Send \{"type": "auto"\}/,
  ],
  [
    { tools: [{ type: 'code_interpreter', container: { type: 'auto', file_ids: ['file-1'] } }] },
    'tools[0].container.file_ids',
    /Send the content/,
  ],
]

const CHAT: [Record<string, unknown>, string, RegExp][] = [
  [
    { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }] },
    'messages[0].content[0].file.file_id',
    /'file_data'/,
  ],
  [
    { messages: [...MESSAGES, { role: 'assistant', audio: { id: 'audio_1' } }] },
    'messages[1].audio.id',
    /text in 'content'/,
  ],
  // The upstream tells the two APIs apart by their fields alone.
  [{ previous_response_id: 'resp_1' }, 'previous_response_id', /does not store/],
  [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, 'input[0]', /Send the whole item/],
]

const REFERENCES = [
  ...RESPONSES.map((row): [ApiName, ...typeof row] => ['responses', ...row]),
  ...CHAT.map((row): [ApiName, ...typeof row] => ['chat', ...row]),
]

describe('a reference to what the vendor stores', () => {
  it.each(REFERENCES)(
    'is a 400 that says what to send instead, without a call: %s %j',
    async (api, body, param, message) => {
      const tag = crypto.randomUUID()
      const response = await POST[api](secret, { ...body, simulate: { ...AT_ONCE, tag } })
      expect([response.status, await errorOf(response)]).toEqual([
        400,
        {
          message: expect.stringMatching(message),
          type: 'invalid_request_error',
          param,
          code: 'unsupported_parameter',
        },
      ])
      expect(await inputsOf(tag)).toBeUndefined()
    },
  )

  it.each(REFERENCES)('passes with VENDOR_STORAGE = "allow": %s %j', async (api, body) => {
    await (await postAllowed(api, { ...body, simulate: { ...AT_ONCE, tag: 'allowed' } })).text()
    expect(await inputsOf('allowed')).toMatchObject(body)
  })

  it('is not seen in a tool’s schema, in citations, in an item with its content or in null', async () => {
    const schema = { type: 'object', properties: { file_id: { type: 'string', default: 'file-1' } } }
    const response = await respond(secret, {
      tools: [{ type: 'function', name: 'f', parameters: { ...schema, examples: [{ file_id: 'file-1' }] } }],
      tool_choice: 'none',
      prompt: null,
      previous_response_id: null,
      metadata: { file_id: 'file-1' },
      input: [
        { id: 'msg_1', type: 'message', ...USER },
        { id: 'msg_2', ...USER },
        { ...REASONING, encrypted_content: 'gAAAA' },
        {
          id: 'msg_3',
          type: 'message',
          role: 'assistant',
          content: [
            {
              type: 'output_text',
              text: 'x',
              annotations: [{ type: 'file_citation', file_id: 'file-1', index: 0 }],
            },
          ],
        },
        { id: 'fc_1', type: 'function_call', call_id: 'c', name: 'f', arguments: '{"file_id":"file-1"}' },
        { type: 'function_call_output', call_id: 'c', output: '{"file_id":"file-1"}' },
      ],
    })
    expect(response.status).toBe(200)
  })
})

describe('store', () => {
  it.each<[ApiName, string, object]>([
    ['responses', 'store', { metadata: { team: 'blue' } }],
    // OpenAI's chat completions refuse metadata without storage.
    ['chat', 'store, metadata', {}],
  ])('goes upstream as false, whatever the caller says: %s', async (api, dropped, labels) => {
    const { model: _model, ...smallest } = SMALLEST[api]
    for (const store of [undefined, null, false, true]) {
      const simulate = { ...AT_ONCE, tag: `${api}-${store}` }
      const response = await POST[api](secret, { store, metadata: { team: 'blue' }, simulate })
      expect(response.status).toBe(200)
      expect(response.headers.get('x-gateway-dropped-parameters')).toBe(store === true ? dropped : null)
      const kept = store === true ? labels : { metadata: { team: 'blue' } }
      expect(await inputsOf(`${api}-${store}`)).toEqual({ ...smallest, ...kept, simulate, store: false })
    }
  })

  it('is told together with the parameters that the model refuses', async () => {
    const context = createExecutionContext()
    const body = JSON.stringify({ ...HELLO, store: true, temperature: 1, simulate: AT_ONCE })
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
    const vars = { ...env, UNSUPPORTED_PARAMETERS: 'drop' }
    const response = await app.request(PATHS.chat, { method: 'POST', headers, body }, vars, context)
    expect(response.headers.get('x-gateway-dropped-parameters')).toBe('store, temperature')
    await waitOnExecutionContext(context)
  })

  it.each([undefined, true])('passes unchanged with VENDOR_STORAGE = "allow": %s', async (store) => {
    const response = await postAllowed('responses', { store, simulate: { ...AT_ONCE, tag: 'allowed' } })
    expect([response.status, response.headers.get('x-gateway-dropped-parameters')]).toEqual([200, null])
    expect((await inputsOf('allowed'))?.['store']).toBe(store)
  })
})

describe('reasoning', () => {
  it('goes from turn to turn with include: ["reasoning.encrypted_content"]', async () => {
    const include = ['reasoning.encrypted_content']
    const first = await respond(secret, { input: [USER], include })
    const { output } = await first.json<{ output: Record<string, unknown>[] }>()
    expect(output[0]).toMatchObject({ type: 'reasoning', encrypted_content: expect.stringMatching(/./) })
    const input = [USER, ...output, { role: 'user', content: 'And then?' }]
    const second = await respond(secret, { input, include, simulate: { ...AT_ONCE, tag: 'second' } })
    expect(second.status).toBe(200)
    expect(await inputsOf('second')).toMatchObject({ input, include })
  })
})

describe('background: true', () => {
  it.each<[string, (body: Record<string, unknown>) => Promise<Response>]>([
    ['never', (body) => respond(secret, body)],
    ['allow', (body) => postAllowed('responses', body)],
  ])('is refused, since its usage would never be known: VENDOR_STORAGE = "%s"', async (_storage, post) => {
    const tag = crypto.randomUUID()
    const response = await post({ background: true, simulate: { ...AT_ONCE, tag } })
    expect([response.status, (await errorOf(response)).param]).toEqual([400, 'background'])
    expect(await inputsOf(tag)).toBeUndefined()
  })
})
