/** The hostile clients of the soak: holders of keys and strangers. Each attack throws where a promise is broken. */
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { rawConnect } from '../support/node/raw-client.ts'
import { CHAT_PATH, chatBody, isBusy, type Key, post, type Service } from './soak-clients.ts'
import { type Kind, type Plan, tagOf } from './soak-upstream.ts'

/** How long a hostile body may take in the soak, s. It is the var `BODY_SECONDS`. */
export const BODY_SECONDS = 2

/** The keys of the hostile holders. All share one address, from which strangers guess too. */
export interface Loot {
  /** Its answers are complete, so that its books are exact. */
  holder: Key
  /** Its clients leave at any time. */
  leaver: Key
  /** It may send five requests a minute. */
  limited: Key
  /** It has a small budget. */
  spender: Key
}

export type Attack = (service: Service, loot: Loot) => Promise<void>

const RESPONSES_PATH = '/v1/responses'
const LARGE_BYTES = 4_100_000
const STRANGER_CHUNK = 'a'.repeat(256 * 1024)
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
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

async function manyValues(service: Service, { holder }: Loot): Promise<void> {
  await expectRefusal(service, await post(service, RESPONSES_PATH, holder, MANY_VALUES), [400])
}

async function manyValuesAboveLimit(service: Service, { limited }: Loot): Promise<void> {
  const answers = Array.from({ length: 4 }, () => post(service, RESPONSES_PATH, limited, MANY_VALUES))
  for (const response of await Promise.all(answers)) await expectRefusal(service, response, [400, 429])
}

async function largePrompt(service: Service, { holder }: Loot): Promise<void> {
  const plan = drawPlan(service, 'json')
  const body = { ...chatBody(plan, false), messages: [{ role: 'user', content: LARGE_TEXT }] }
  await expectServed(service, await post(service, CHAT_PATH, holder, JSON.stringify(body)))
}

/** A key's body without an end is a 408 at its deadline, or a 413 where it comes fast. */
async function endlessBody(service: Service, { holder }: Loot): Promise<void> {
  const isFast = service.random() < 0.5
  const authorization = `authorization: Bearer ${holder.secret}\r\n`
  const text = await answerOfEndless(service, head(CHAT_PATH, holder.address, authorization), isFast)
  const isBusyNow = text.startsWith('HTTP/1.1 503 ') && text.includes('"gateway_busy"')
  if (isBusyNow) service.count('hostile 503')
  else if (!(isFast ? /^(HTTP\/1\.1 413 |$)/ : /^(HTTP\/1\.1 408 |$)/).test(text))
    throw new Error(`an endless body got ${text.slice(0, 300)}`)
}

async function endlessBodyOfStranger(service: Service, { holder }: Loot): Promise<void> {
  const isFast = service.random() < 0.5
  const text = await answerOfEndless(service, head(CHAT_PATH, holder.address, ''), isFast)
  if (!/^(HTTP\/1\.1 401 |$)/.test(text)) throw new Error(`a stranger got ${text.slice(0, 300)}`)
}

/** A client that sends on after the answer can lose it: its bytes meet a closed connection, and the reset overtakes the answer. */
async function answerOfEndless(service: Service, start: string, isFast: boolean): Promise<string> {
  const client = rawConnect(service.url)
  await client.write(start)
  const sending = isFast ? sendChunks(client, 20) : sendSlowly(client)
  const text = await client.until(/"code":[^}]*\}\}/).catch(() => client.received())
  client.reset()
  await sending
  if (text === '') service.count('lost answer')
  return text
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

/** It may have a right checksum, and guess for the id of a real key. */
async function guessedKey(service: Service, { holder }: Loot): Promise<void> {
  const guess =
    service.random() < 0.2
      ? 'sk-gw-guess'
      : guessSecret(service.random() < 0.3 ? holder.id : randomBase62(12))
  const { address } = holder
  const body = JSON.stringify(chatBody(drawPlan(service, 'json'), false))
  const response = await post(service, CHAT_PATH, { secret: guess, address }, body)
  await expectRefusal(service, response, [401, 429])
}

/** A secret in the gateway's form, with its checksum, which anyone can compute. */
function guessSecret(keyId: string): string {
  const body = `sk-gw-${keyId}-${randomBase62(27)}`
  let rest = crc32(body)
  let checksum = ''
  for (let place = 0; place < 6; place += 1) {
    checksum = (BASE62[rest % 62] ?? '') + checksum
    rest = Math.floor(rest / 62)
  }
  return body + checksum
}

function randomBase62(length: number): string {
  return Array.from({ length }, () => BASE62[randomInt(62)]).join('')
}

async function wrongAdminToken(service: Service, { holder }: Loot): Promise<void> {
  const wrong = { secret: `wrong-${service.random()}-${'x'.repeat(30)}`, address: holder.address }
  await expectRefusal(service, await post(service, '/admin/keys', wrong, '{"name":"mine"}'), [401, 429])
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

/** A model that thinks after its first event is not silent. */
function expectComments(text: string): void {
  if (!/(^|\n\n): keep-alive\n\n/.test(text)) throw new Error('no comment came while the model was thinking')
}

function drawPlan({ random }: Service, kind: Kind): Plan {
  return { kind, promptTokens: Math.ceil(random() * 900), completionTokens: Math.ceil(random() * 60) }
}

/** An answer of another status must be a documented 503. An error must be OpenAI's envelope. */
async function expectRefusal(
  service: Service,
  response: Response,
  statuses: readonly number[],
): Promise<void> {
  const text = await response.text()
  if (isBusy(response, text)) service.count('hostile 503')
  else if (!statuses.includes(response.status))
    throw new Error(`${response.status} and not ${statuses.join(' or ')}: ${text.slice(0, 300)}`)
  if (response.headers.get('content-type') !== 'application/json') throw new Error('an answer is no JSON')
  if (response.status >= 400 && !text.startsWith('{"error":{"message":"'))
    throw new Error(`no envelope: ${text.slice(0, 300)}`)
}

/** The text of a served answer; `null` where the gateway was busy. */
async function expectServed(service: Service, response: Response): Promise<string | null> {
  const text = await response.text()
  if (isBusy(response, text)) {
    service.count('hostile 503')
    return null
  }
  if (response.status !== 200) throw new Error(`${response.status}: ${text.slice(0, 300)}`)
  return text
}

type Client = ReturnType<typeof rawConnect>

function head(path: string, address: string, authorization: string): string {
  const chunked = 'content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n'
  return `POST ${path} HTTP/1.1\r\nhost: a\r\ncf-connecting-ip: ${address}\r\n${authorization}${chunked}`
}

/** Five MB at once. */
async function sendChunks(client: Client, chunks: number): Promise<void> {
  const bytes = `${STRANGER_CHUNK.length.toString(16)}\r\n${STRANGER_CHUNK}\r\n`
  for (let chunk = 0; chunk < chunks; chunk += 1) await client.write(bytes)
}

/** A byte each 100 ms, for twice the deadline. */
async function sendSlowly(client: Client): Promise<void> {
  for (let byte = 0; byte < 20 * BODY_SECONDS; byte += 1) {
    await client.write('1\r\na\r\n')
    await sleep(100)
  }
}
