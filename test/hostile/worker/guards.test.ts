/** The guards against hostile holders and strangers hold for every body, key, address, stream and var that is drawn. */
import { reset } from 'cloudflare:test'
import * as fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isolateOf } from '../../../src/isolate.ts'
import { createSecret } from '../../../src/keys/secret.ts'
import { BODY_BYTES_HELD_MAX } from '../../../src/limits/body-budget.ts'
import { recordLog } from '../../support/console.ts'
import { ADMIN_TOKEN, BASE_URL, env, HELLO, issueKey } from '../../support/gateway.ts'
import { damaged, textOf } from './damage.ts'
import { type Answered, expectCivil, FUZZ_TEST, fuzz, openFrontDoor } from './front-door.ts'

const closed = openFrontDoor()
const open = openFrontDoor({
  VENDOR_STORAGE: 'allow',
  ALLOWED_EXTRAS: 'flex, priority, web_search, file_search, code_interpreter, mcp, image_generation',
})

let log: string[]
let secret: string
let metered: string
beforeAll(async () => {
  ;({ secret } = await issueKey())
  ;({ secret: metered } = await issueKey({ limits: { tokensPerMinute: 1_000_000_000 } }))
})
beforeEach(() => {
  log = recordLog()
})
afterAll(() => reset())

const CHAT = '/v1/chat/completions'
const RESPONSES = '/v1/responses'

function requestOf(path: string, token: string, body: string, address = '192.0.2.1'): Request {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'cf-connecting-ip': address,
  }
  return new Request(BASE_URL + path, { method: 'POST', headers, body })
}

const id = fc.stringMatching(/^[a-z]{2,6}_[0-9a-z]{1,20}$/)
const file = id.map((fileId) => ({ type: 'input_file', file_id: fileId }))
const item = fc.oneof(
  fc.record({ type: fc.constantFrom('item_reference'), id }),
  fc.record({ id }),
  fc.record({ type: fc.constant('reasoning'), id, summary: fc.constant([]) }),
  file.map((part) => ({ role: 'user', content: [{ type: 'input_text', text: 'x' }, part] })),
  file.map((part) => ({ type: 'function_call_output', call_id: 'c', output: [part] })),
)
const hostedTool = fc.oneof(
  fc.constantFrom('web_search', 'image_generation').map((type) => ({ type })),
  fc.record({ type: fc.constant('file_search'), vector_store_ids: fc.array(id, { minLength: 1 }) }),
  fc.record({ type: fc.constant('code_interpreter'), container: id }),
  fc.record({ type: fc.constant('mcp'), server_label: fc.string(), server_url: fc.webUrl() }),
)
const plainItem: fc.Arbitrary<object> = fc.record({ role: fc.constant('user'), content: fc.string() })
/** Each has a reference or an extra at a drawn place. */
const responsesBody = fc.oneof(
  fc.record({ previous_response_id: id }),
  fc.record({ conversation: fc.oneof(id, fc.record({ id })) }),
  fc.record({ prompt: fc.record({ id }) }),
  fc.record({ tools: fc.array(hostedTool, { minLength: 1, maxLength: 3 }) }),
  fc.record({ service_tier: fc.constantFrom('flex', 'priority') }),
  fc
    .tuple(fc.array(plainItem, { maxLength: 4 }), item, fc.nat(4))
    .map(([items, one, at]) => ({ input: items.toSpliced(at, 0, one) })),
)
const chatBody = fc.oneof(
  fc.record({ service_tier: fc.constantFrom('flex', 'priority') }),
  fc.record({ web_search_options: fc.constantFrom({}, { search_context_size: 'low' }) }),
  id.map((audio) => ({ messages: [{ role: 'assistant', content: 'x', audio: { id: audio } }] })),
  id.map((fileId) => ({
    messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: fileId } }] }],
  })),
)
const reaching = fc.oneof(
  responsesBody.map((body): [string, unknown] => [RESPONSES, { model: 'o3-mini', input: 'Hello!', ...body }]),
  chatBody.map((body): [string, unknown] => [CHAT, { ...HELLO, ...body }]),
)

describe('a body that reaches into the vendor’s account, or costs more than tokens,', () => {
  it(
    'is a 400 that names the place, and unchanged upstream where the operator allows it',
    FUZZ_TEST,
    async () => {
      await fc.assert(
        fc.asyncProperty(reaching, async ([path, body]) => {
          const text = JSON.stringify(body)
          const refused = await closed.ask(requestOf(path, secret, text))
          expectCivil('POST', refused)
          expect([refused.status, closed.upstream.sent]).toEqual([400, null])
          expect((JSON.parse(refused.text) as { error: { param: unknown } }).error.param).toBeTypeOf('string')
          const served = await open.ask(requestOf(path, secret, text))
          const { model: _model, ...inputs } = body as Record<string, unknown>
          expect([served.status, open.upstream.sent]).toEqual([200, JSON.stringify(inputs)])
        }),
        fuzz(0.05),
      )
    },
  )

  it('is never sent with its reference, however it is damaged', FUZZ_TEST, async () => {
    await fc.assert(
      fc.asyncProperty(damaged(responsesBody), async (body) => {
        const text = textOf({ model: 'o3-mini', input: 'Hello!', ...Object(body) })
        expectCivil('POST', await closed.ask(requestOf(RESPONSES, secret, text)))
        // The vendor knows no other parameters, so an id in one of another name reaches nothing.
        const { previous_response_id, conversation, prompt, input, tools } = JSON.parse(
          closed.upstream.sent ?? '{}',
        ) as Record<string, unknown>
        expect([previous_response_id, conversation, prompt].filter((value) => value != null)).toEqual([])
        expect(JSON.stringify({ input, tools })).not.toMatch(/"file_id":"[a-z]{2,6}_/)
      }),
      fuzz(0.05),
    )
  })
})

describe('an isolate that holds many bodies', () => {
  it('answers each further one, says when to retry, and gives back what it held', FUZZ_TEST, async () => {
    const { bodies } = isolateOf(env)
    const body = damaged(fc.constant({ ...HELLO, user: 'x'.repeat(500) })).map(textOf)
    await fc.assert(
      fc.asyncProperty(body, fc.nat(2_000), async (text, freeBytes) => {
        const heldBytes = BODY_BYTES_HELD_MAX - freeBytes
        expect(bodies.hold(heldBytes)).toBe(true)
        const answered = await closed.ask(requestOf(CHAT, secret, text))
        expect(bodies.heldBytes).toBe(heldBytes)
        bodies.release(heldBytes)
        if (new TextEncoder().encode(text).length > freeBytes) expectBusy(answered)
        else expectCivil('POST', answered)
      }),
      fuzz(0.02),
    )
  })
})

function expectBusy({ status, headers, text }: Answered): void {
  expect([status, headers.get('retry-after'), text.includes('"gateway_busy"')]).toEqual([503, '1', true])
}

const address = fc.oneof(
  fc.constant('198.51.100.7'),
  fc.nat(3).map((last) => `192.0.2.${last}`),
  fc.ipV6(),
  fc.ipV6().map((text) => `2001:db8::${text.split(':').at(-1)}`),
  fc.constantFrom('', 'x', ':::', 'unknown'),
)
const stranger = fc.record({
  address,
  isForOperator: fc.boolean(),
  guess: fc.oneof(
    fc.constant(null).map(() => createSecret().secret),
    fc.stringMatching(/^[!-~]{1,60}$/),
  ),
})

describe('strangers who guess, from any address,', () => {
  it('get 401 or 429, and keep neither a new key nor the operator out', FUZZ_TEST, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(stranger, { minLength: 1, maxLength: 30 }), async (strangers) => {
        const guesses = strangers.map(({ address: from, isForOperator, guess }) =>
          closed.ask(requestOf(isForOperator ? '/admin/keys' : CHAT, guess, JSON.stringify(HELLO), from)),
        )
        for (const answered of await Promise.all(guesses)) {
          expectCivil('POST', answered)
          expect([401, 429]).toContain(answered.status)
        }
        const from = strangers[0]?.address ?? ''
        const made = await closed.ask(requestOf('/admin/keys', ADMIN_TOKEN, '{"name":"x"}', from))
        expect(made.status).toBe(201)
        const key = JSON.parse(made.text) as { secret: string }
        const served = await closed.ask(requestOf(CHAT, key.secret, JSON.stringify(HELLO), from))
        expect(served.status).toBe(200)
      }),
      fuzz(0.004),
    )
  })
})

const spaces = fc.constantFrom('', ' ', '\t', '  ')
const usage = fc
  .tuple(spaces, spaces, fc.nat(1_000), fc.nat(1_000))
  .map(
    ([before, after, prompt, completion]) =>
      `"usage"${before}:${after}{"prompt_tokens":${prompt},"completion_tokens":${completion}}`,
  )
const event = fc.oneof(
  fc.constantFrom(
    ': a comment',
    'event: x\ndata: {}',
    'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}',
    'data: {"choices":[{"delta":{"content":"\\"usage\\": {\\"prompt_tokens\\":1}"}}]}',
    `data: {"choices":[{"delta":{"content":"${'x'.repeat(70_000)}"}}]}`,
  ),
  usage.map((text) => `data: {"choices":[{"delta":{"content":"a"}}],${text}}`),
)

describe('a stream', () => {
  it(
    'of any events, cut anywhere, arrives whole but for the usage that nobody asked for',
    FUZZ_TEST,
    async () => {
      const streams = fc.record({
        events: fc.array(event, { maxLength: 6 }),
        last: usage.map((text) => `data: {"choices":[],${text}}`),
        lineEnd: fc.constantFrom('\n', '\r\n'),
        cuts: fc.array(fc.nat(), { maxLength: 8 }),
        isAsked: fc.boolean(),
      })
      await fc.assert(
        fc.asyncProperty(streams, async ({ events, last, lineEnd, cuts, isAsked }) => {
          const written = (list: readonly string[]): string =>
            list.map((text) => `${text.replaceAll('\n', lineEnd)}${lineEnd}${lineEnd}`).join('')
          const whole = written([...events, last, 'data: [DONE]'])
          closed.upstream.stream = cutAt(whole, cuts)
          const body = {
            ...HELLO,
            stream: true,
            ...(isAsked ? { stream_options: { include_usage: true } } : {}),
          }
          for (const token of [secret, metered]) {
            const { status, text } = await closed.ask(requestOf(CHAT, token, JSON.stringify(body)))
            const isLeftOut = token === metered && !isAsked
            const expected = isLeftOut ? written([...events, 'data: [DONE]']) : whole
            expect([status, text === expected]).toEqual([200, true])
          }
        }),
        fuzz(0.02),
      )
    },
  )
})

function cutAt(text: string, cuts: readonly number[]): string[] {
  const ends = [0, ...cuts.map((cut) => cut % text.length).toSorted((a, b) => a - b), text.length]
  return ends.slice(1).map((end, index) => text.slice(ends[index], end))
}

describe('vars', () => {
  it(
    'of any names and values are used, refused by their name or warned of, and no value is logged',
    FUZZ_TEST,
    async () => {
      const name = fc.oneof(
        fc
          .constantFrom('DEFAULT_', 'AI_GATEWAY_', 'STREAM_', 'BODY_', '')
          .chain((start) => fc.stringMatching(/^[A-Za-z_]{1,30}$/).map((end) => start + end)),
        fc.constantFrom('METER_STREAMS', 'VENDOR_STORAGE', 'ALLOWED_EXTRAS', 'BODY_SECONDS', 'MODELS'),
      )
      const vars = fc.dictionary(
        name.filter((drawn) => !(drawn in env)),
        fc.oneof(
          fc.constantFrom('never', 'allow', '60'),
          fc.string().map((text) => `classified-${text}`),
        ),
        { maxKeys: 5 },
      )
      await fc.assert(
        fc.asyncProperty(vars, async (drawn) => {
          log.length = 0
          const { status, text } = await openFrontDoor(drawn).ask(new Request(`${BASE_URL}/health`))
          expect(text + log.join('')).not.toContain('classified')
          if (status !== 200) expect([status, text.includes('"misconfigured"')]).toEqual([500, true])
        }),
        fuzz(0.02),
      )
    },
  )
})
