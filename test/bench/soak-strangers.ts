/** The soak's bodies without an end and guesses, of strangers above all. */
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { rawConnect } from '../support/node/raw-client.ts'
import { drawPlan, expectRefusal, type Loot } from './soak-checks.ts'
import { CHAT_PATH, chatBody, post, type Service } from './soak-clients.ts'

/** How long a hostile body may take in the soak, s. It is the var `BODY_SECONDS`. */
export const BODY_SECONDS = 5

const STRANGER_CHUNK = 'a'.repeat(256 * 1024)
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** A key's body without an end is a 408 at its deadline, or a 413 where it comes fast. */
export async function endlessBody(service: Service, { holder }: Loot): Promise<void> {
  const isFast = service.random() < 0.5
  const authorization = `authorization: Bearer ${holder.secret}\r\n`
  const text = await answerOfEndless(service, head(CHAT_PATH, holder.address, authorization), isFast)
  const isBusyNow = text.startsWith('HTTP/1.1 503 ') && text.includes('"gateway_busy"')
  if (isBusyNow) service.count('hostile 503')
  else if (!(isFast ? /^(HTTP\/1\.1 413 |$)/ : /^(HTTP\/1\.1 408 |$)/).test(text))
    throw new Error(`an endless body got ${text.slice(0, 300)}`)
}

export async function endlessBodyOfStranger(service: Service, { holder }: Loot): Promise<void> {
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

/** It may have a right checksum, and guess for the id of a real key. */
export async function guessedKey(service: Service, { holder }: Loot): Promise<void> {
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

export async function wrongAdminToken(service: Service, { holder }: Loot): Promise<void> {
  const wrong = { secret: `wrong-${service.random()}-${'x'.repeat(30)}`, address: holder.address }
  await expectRefusal(service, await post(service, '/admin/keys', wrong, '{"name":"mine"}'), [401, 429])
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
