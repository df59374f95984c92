/** The honest clients of the soak. They repeat a request that the gateway is too busy for, as the SDKs do. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Kind, type Plan, tagOf } from './soak-upstream.ts'

/** The codes of the documented 503s. Each says when to retry. */
export const BUSY_CODES = ['gateway_busy', 'keys_unavailable', 'budget_unavailable', 'usage_unavailable']
/** Retries of one request. */
const RETRIES_MAX = 10

export interface Key {
  id: string
  secret: string
  /** Whether all of the key's answers are complete, so that its usage is known to the token. */
  isExact: boolean
  /** The caller's address, as Cloudflare tells it. */
  address: string
}

export interface Service {
  url: string
  random: () => number
  /** Counts what happened, for the report. */
  count(what: string): void
  /** Notes a broken promise. */
  fail(problem: string): void
}

export const CHAT_PATH = '/v1/chat/completions'

export function chatBody(plan: Plan, stream: boolean): Record<string, unknown> {
  return {
    model: 'o3-mini',
    messages: [{ role: 'user', content: 'Hello there' }],
    stream,
    user: tagOf(plan),
  }
}

/**
 * Posts a JSON body. A connection that is lost before an answer is tried again, as the SDKs do. On a busy machine a large body
 * can miss its deadline. Its connection is then closed while it is sent, and the reset can overtake the 408.
 */
export async function post(
  service: Service,
  path: string,
  { secret, address }: Pick<Key, 'secret' | 'address'>,
  body: string,
  signal?: AbortSignal,
): Promise<Response> {
  const headers = {
    authorization: `Bearer ${secret}`,
    'content-type': 'application/json',
    'cf-connecting-ip': address,
  }
  const init = { method: 'POST', headers, body, ...(signal === undefined ? {} : { signal }) }
  try {
    return await fetch(service.url + path, init)
  } catch {
    service.count('lost connection')
    return fetch(service.url + path, init)
  }
}

/** Whether an answer is one of the documented 503s. */
export function isBusy({ status, headers }: Response, text: string): boolean {
  return status === 503 && headers.has('retry-after') && BUSY_CODES.some((code) => text.includes(`"${code}"`))
}

/** Sends one request of the key, and reads its answer. `noteServed` is called for each whole answer. */
export async function sendHonestRequest(service: Service, key: Key, noteServed: () => void): Promise<void> {
  const { random } = service
  const kinds: Kind[] = key.isExact
    ? ['json', 'json', 'stream', 'stream', 'slow', 'refused']
    : ['broken', 'disconnecting', 'stream', 'json', 'reset']
  const kind = kinds[Math.floor(random() * kinds.length)] ?? 'json'
  const plan = { kind, promptTokens: Math.ceil(random() * 900), completionTokens: Math.ceil(random() * 60) }
  service.count(kind)
  for (let retry = 0; retry <= RETRIES_MAX; retry += 1) {
    if (await isAnswered(service, key, plan, noteServed)) return
    service.count('busy')
    await sleep(1000)
  }
  service.fail(`${kind}: the gateway was busy ${RETRIES_MAX} times in a row`)
}

/** False where the gateway was busy. */
async function isAnswered(service: Service, key: Key, plan: Plan, noteServed: () => void): Promise<boolean> {
  const { kind } = plan
  const stream = !['json', 'refused', 'reset'].includes(kind)
  const abort = new AbortController()
  try {
    const response = await post(service, CHAT_PATH, key, JSON.stringify(chatBody(plan, stream)), abort.signal)
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString()
      if (kind === 'slow') await sleep(20)
      if (kind === 'disconnecting' && text.length > 300) abort.abort()
    }
    if (isBusy(response, text)) return false
    const isWhole = response.status === 200 && text.endsWith(stream ? 'data: [DONE]\n\n' : '}')
    if (isWhole) noteServed()
    if (key.isExact && kind !== 'refused' && !isWhole)
      service.fail(`${kind}: ${response.status} ${text.slice(-200)}`)
    if (kind === 'broken' && isWhole) service.fail('a broken stream looked complete')
    if (/<html|<!doctype/i.test(text)) service.fail(`${kind}: HTML`)
  } catch (error) {
    if (kind !== 'disconnecting') service.fail(`${kind}: ${String(error)}`)
  }
  return true
}
