/** Every body for the Responses API either reaches the upstream unchanged or gets a clean 4xx error, as for chat. */
import { reset } from 'cloudflare:test'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BASE_URL, issueKey } from '../../support/gateway.ts'
import { damaged, garbled, textOf } from './damage.ts'
import { expectedOf } from './expected.ts'
import { CANARY, expectCivil, FUZZ_TEST, fuzz, openFrontDoor, watchLog } from './front-door.ts'

const { upstream, ask } = openFrontDoor()

watchLog()
let secrets: string[]
beforeAll(async () => {
  const limits = { tokensPerMinute: 1_000_000_000, budget: { usd: 100_000, period: 'total' } }
  secrets = [(await issueKey()).secret, (await issueKey({ limits })).secret]
})
afterAll(() => reset())

const item = fc.oneof(
  fc.constant({ role: 'user', content: CANARY }),
  fc.constant({ role: 'developer', content: [{ type: 'input_text', text: CANARY }] }),
  fc.constant({ type: 'function_call', call_id: 'c', name: 'f', arguments: `{"a":"${CANARY}"}` }),
  fc.constant({ type: 'function_call_output', call_id: 'c', output: CANARY }),
  fc.dictionary(fc.string(), fc.jsonValue()),
)
const body = fc.record(
  {
    model: fc.constant('o3-mini'),
    input: fc.oneof(fc.string(), fc.array(item, { maxLength: 4 })),
    instructions: fc.option(fc.string({ unit: 'binary' })),
    max_output_tokens: fc.option(fc.integer({ min: 1, max: 100_000 })),
    reasoning: fc.constantFrom(null, { effort: 'low' }, { effort: 'high', summary: 'auto' }),
    stream: fc.option(fc.boolean()),
    text: fc.constantFrom(null, { format: { type: 'text' } }, { verbosity: 'low' }),
    tools: fc.constantFrom(null, [], [{ type: 'function', name: 'f', parameters: { type: 'object' } }]),
    tool_choice: fc.constantFrom('auto', 'none', { type: 'function', name: 'f' }),
    metadata: fc.dictionary(fc.string(), fc.string()),
    previous_response_id: fc.constantFrom(null, 'resp_1'),
    store: fc.option(fc.boolean()),
  },
  { requiredKeys: ['model', 'input'] },
)

async function expectAnswer(sent: string | Uint8Array, secret: string | undefined): Promise<void> {
  const answered = await ask(
    new Request(`${BASE_URL}/v1/responses`, {
      method: 'POST',
      body: sent,
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    }),
  )
  expectCivil('POST', answered)
  expect(answered.status === 200).toBe(upstream.sent !== null)
}

describe('a body for the Responses API', () => {
  it('whether whole or damaged, is refused or reaches the upstream unchanged', FUZZ_TEST, async () => {
    let accepted = 0
    const any = fc.oneof(body, damaged(body), damaged(damaged(body))).map(textOf)
    await fc.assert(
      fc.asyncProperty(any, fc.nat(1), async (text, key) => {
        await expectAnswer(text, secrets[key])
        if (upstream.sent === null) return
        accepted += 1
        expect(upstream.sent).toBe(expectedOf(text))
      }),
      fuzz(0.15),
    )
    expect(accepted).toBeGreaterThan(50)
  })

  it('with damaged bytes is never decoded into a different text', FUZZ_TEST, async () => {
    await fc.assert(
      fc.asyncProperty(garbled(body.map(textOf)), fc.nat(1), async (bytes, key) => {
        await expectAnswer(bytes, secrets[key])
        if (upstream.sent === null) return
        const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
        expect(upstream.sent).toBe(expectedOf(text))
      }),
      fuzz(0.05),
    )
  })
})
