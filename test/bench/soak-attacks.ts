/** The hostile clients of the soak: holders of keys and strangers. Each attack throws where a promise is broken. */
import { setTimeout as sleep } from 'node:timers/promises'
import { rawConnect } from '../support/node/raw-client.ts'
import {
  type Attack,
  drawPlan,
  expectComments,
  expectRefusal,
  expectServed,
  type Loot,
} from './soak-checks.ts'
import { CHAT_PATH, chatBody, type Key, post, type Service } from './soak-clients.ts'
import { endlessBody, endlessBodyOfStranger, guessedKey, wrongAdminToken } from './soak-strangers.ts'
import { type Kind, tagOf } from './soak-upstream.ts'

const RESPONSES_PATH = '/v1/responses'
const LARGE_BYTES = 4_100_000
const MESSAGES = [{ role: 'user', content: 'Hello there' }]

/** 1.4 million values in 4.1 MB. */
const MANY_VALUES = `{"model":"o3-mini","input":[${'{},'.repeat(LARGE_BYTES / 3)}{}]}`
const NESTED = `{"model":"o3-mini","messages":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
const LARGE_TEXT = 'x'.repeat(LARGE_BYTES)

/** Bodies that are refused without a call, and the status of the refusal. */
const REFUSED: readonly [path: string, body: string, status: number][] = [
  [CHAT_PATH, '{"model":"o3-mini","messages":[', 400],
  [CHAT_PATH, '', 400],
  [CHAT_PATH, '\u0000\u0001<html>', 400],
  [CHAT_PATH, NESTED, 400],
  [CHAT_PATH, `{"a":1e999,${JSON.stringify({ model: 'o3-mini', messages: MESSAGES }).slice(1)}`, 400],
  [RESPONSES_PATH, asked({ input: [{ type: 'item_reference', id: 'msg_1' }] }), 400],
  [RESPONSES_PATH, asked({ input: 'Hi', previous_response_id: 'resp_1' }), 400],
  [RESPONSES_PATH, asked({ input: 'Hi', prompt: { id: 'pmpt_1' } }), 400],
  [RESPONSES_PATH, asked({ input: 'Hi', conversation: 'conv_1' }), 400],
  [
    RESPONSES_PATH,
    asked({ input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file-1' }] }] }),
    400,
  ],
  ...['web_search', 'file_search', 'code_interpreter', 'image_generation', 'mcp', 'computer_use_preview'].map(
    (type): [string, string, number] => [RESPONSES_PATH, asked({ input: 'Hi', tools: [{ type }] }), 400],
  ),
  [RESPONSES_PATH, asked({ input: 'Hi', service_tier: 'priority' }), 400],
  [CHAT_PATH, asked({ messages: MESSAGES, service_tier: 'flex' }), 400],
  [CHAT_PATH, asked({ messages: MESSAGES, web_search_options: {} }), 400],
  [CHAT_PATH, asked({ messages: MESSAGES, n: 129 }), 400],
]

function asked(fields: object): string {
  return JSON.stringify({ model: 'o3-mini', ...fields })
}

/** Each attack with its weight. Those that move megabytes are rarer, since the honest clients share two cores with them. */
export const ATTACKS: readonly (readonly [name: string, weight: number, attack: Attack])[] = [
  ['refused body', 12, refusedBody],
  ['many values', 2, manyValues],
  ['many values above a limit', 2, manyValuesAboveLimit],
  ['large prompt', 1, largePrompt],
  ['endless body', 1, endlessBody],
  ['endless body of a stranger', 1, endlessBodyOfStranger],
  ['early leaver', 4, earlyLeaver],
  ['guessed key', 8, guessedKey],
  ['wrong admin token', 4, wrongAdminToken],
  ['n of 8', 4, manyChoices],
  ['spender', 4, spend],
  ...(['thinking', 'large', 'tail', 'spaced', 'beside'] as const).map(
    (kind): readonly [string, number, Attack] => [
      `stream: ${kind}`,
      3,
      (service, { holder }) => oddStream(service, holder, kind),
    ],
  ),
  ['response: thinking', 3, (service, { holder }) => oddResponse(service, holder, 'thinking')],
  ['response: large', 1, (service, { holder }) => oddResponse(service, holder, 'large')],
]

/** An attack by its weight. */
export function drawAttack(random: () => number): readonly [name: string, weight: number, attack: Attack] {
  const total = ATTACKS.reduce((sum, [, weight]) => sum + weight, 0)
  let left = random() * total
  for (const drawn of ATTACKS) {
    left -= drawn[1]
    if (left < 0) return drawn
  }
  throw new Error('no attack')
}

async function refusedBody(service: Service, { holder }: Loot): Promise<void> {
  const drawn = REFUSED[Math.floor(service.random() * REFUSED.length)]
  if (drawn === undefined) return
  const [path, body, status] = drawn
  await expectRefusal(service, await post(service, path, holder, body), [status])
}

/** A busy machine may miss the deadline of such a body. */
async function manyValues(service: Service, { holder }: Loot): Promise<void> {
  await expectRefusal(service, await post(service, RESPONSES_PATH, holder, MANY_VALUES), [400, 408])
}

async function manyValuesAboveLimit(service: Service, { limited }: Loot): Promise<void> {
  const answers = Array.from({ length: 4 }, () => post(service, RESPONSES_PATH, limited, MANY_VALUES))
  for (const response of await Promise.all(answers)) await expectRefusal(service, response, [400, 408, 429])
}

async function largePrompt(service: Service, { holder }: Loot): Promise<void> {
  const plan = drawPlan(service, 'json')
  const body = { ...chatBody(plan, false), messages: [{ role: 'user', content: LARGE_TEXT }] }
  await expectServed(service, await post(service, CHAT_PATH, holder, JSON.stringify(body)))
}

/** It leaves in its upload, while the model thinks, or in the answer. */
async function earlyLeaver(service: Service, { leaver }: Loot): Promise<void> {
  const client = rawConnect(service.url)
  const bytes = JSON.stringify(chatBody(drawPlan(service, 'thinking'), service.random() < 0.7))
  const length = `content-length: ${bytes.length}\r\n\r\n`
  const authorization = `authorization: Bearer ${leaver.secret}\r\n`
  const isPartial = service.random() < 0.3
  const start = `POST ${CHAT_PATH} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n`
  await client.write(
    `${start}cf-connecting-ip: ${leaver.address}\r\n${authorization}${length}${isPartial ? bytes.slice(0, -9) : bytes}`,
  )
  await sleep(service.random() * 3_000)
  client.reset()
  const text = await client.closed
  if (/^HTTP\/1\.1 5(?!03)/.test(text)) throw new Error(`a leaver got ${text.slice(0, 300)}`)
}

async function manyChoices(service: Service, { holder }: Loot): Promise<void> {
  const body = { ...chatBody(drawPlan(service, 'json'), false), n: 8, max_completion_tokens: 100 }
  await expectServed(service, await post(service, CHAT_PATH, holder, JSON.stringify(body)))
}

/** Many requests at once from a key whose budget takes some of them. */
async function spend(service: Service, { spender }: Loot): Promise<void> {
  const bodies = Array.from({ length: 10 }, () => ({
    ...chatBody(drawPlan(service, 'json'), false),
    max_completion_tokens: 60,
  }))
  const answers = bodies.map((body) => post(service, CHAT_PATH, spender, JSON.stringify(body)))
  for (const response of await Promise.all(answers)) await expectRefusal(service, response, [200, 429])
}

async function oddStream(service: Service, holder: Key, kind: Kind): Promise<void> {
  const response = await post(
    service,
    CHAT_PATH,
    holder,
    JSON.stringify(chatBody(drawPlan(service, kind), true)),
  )
  const text = await expectServed(service, response)
  if (text === null) return
  if (!text.endsWith('data: [DONE]\n\n')) throw new Error(`it ended with ${text.slice(-200)}`)
  if (kind === 'thinking') expectComments(text)
}

async function oddResponse(service: Service, holder: Key, kind: Kind): Promise<void> {
  const plan = drawPlan(service, kind)
  const body = asked({ input: 'Hello there', stream: true, user: tagOf(plan) })
  const text = await expectServed(service, await post(service, RESPONSES_PATH, holder, body))
  if (text === null) return
  if (!text.includes('event: response.completed\n')) throw new Error(`it ended with ${text.slice(-200)}`)
  expectComments(text)
}
