/** The checks of a deployment, in their order. They make one key for 10 minutes and 1 dollar, and delete it at the end. */
import * as z from 'zod/mini'
import { findingOf, jsonOf } from './advice.ts'
import { type Answer, type Ask, MODEL_TIMEOUT_MS } from './deployment.ts'
import { Finding, LOG, RETRY_OR_LOG, shown } from './finding.ts'
import type { Report, Seen } from './report.ts'

/** The key ends by itself, in case its deletion fails. */
export const KEY_LIFETIME_MS = 10 * 60_000
/** Every other limit of the key is set too, so that the gateway's defaults do not fail a check. */
const KEY_LIMITS = {
  requestsPerMinute: 10,
  requestsPerDay: 10,
  tokensPerMinute: 1_000_000,
  concurrentRequests: 2,
  completionTokensPerRequest: 1_000,
  budget: { usd: 1, period: 'total' },
} as const
const QUESTION = {
  model: 'o3-mini',
  messages: [{ role: 'user', content: 'Answer with one word: are you there?' }],
  max_completion_tokens: KEY_LIMITS.completionTokensPerRequest,
}

const health = z.object({ status: z.literal('ok') })
const keyList = z.object({ data: z.array(z.unknown()) })
const createdKey = z.object({ id: z.string(), secret: z.string() })
const completion = z.object({
  choices: z.array(z.object({ message: z.object({}) })).check(z.minLength(1)),
  usage: z.object({ total_tokens: z.number() }),
})
type CreatedKey = z.output<typeof createdKey>

/** The checks that need the admin token, and those that need a key. */
const OPERATOR_CHECKS = ['directory', 'KV', 'account']
const KEY_CHECKS = ['call', 'stream', 'limits', 'key deleted', 'old secret']

/** Reports each check. @throws the reason with which the person at the terminal stops it, after the key is deleted. */
export async function examine(ask: Ask, adminToken: string, report: Report): Promise<void> {
  const isUp = await report.check('health', () => checkHealth(ask))
  if (!isUp) return report.skip('admin token', ...OPERATOR_CHECKS, ...KEY_CHECKS)
  const isOperator = await report.check('admin token', () => checkToken(ask, adminToken))
  if (!isOperator) return report.skip(...OPERATOR_CHECKS, ...KEY_CHECKS)
  await report.check('directory', () => checkDirectory(ask, adminToken))
  await report.check('KV', () => checkKv(ask, adminToken))
  const key = await report.check('account', () => createKey(ask, adminToken))
  if (key === null) return report.skip(...KEY_CHECKS)
  let isDeleted = false
  try {
    const isAnswered = await report.check('call', () => checkCall(ask, key))
    if (isAnswered) await report.check('stream', () => checkStream(ask, key))
    else report.skip('stream')
    await report.check('limits', () => checkLimits(ask, adminToken, key))
  } finally {
    isDeleted = (await report.check('key deleted', () => deleteKey(ask, adminToken, key))) !== null
  }
  if (isDeleted) await report.check('old secret', () => checkRefused(ask, key))
  else report.skip('old secret')
}

async function checkHealth(ask: Ask): Promise<Seen> {
  const answer = await ask({ path: '/health' })
  if (answer.status !== 200 || !health.safeParse(jsonOf(answer.text)).success) throw findingOf(answer)
  return { saw: `answers in ${Math.round(answer.endMs)} ms` }
}

/** The directory may fail behind a good token, and its own check says so. */
async function checkToken(ask: Ask, token: string): Promise<Seen> {
  const answer = await ask({ path: '/admin/keys?limit=1', token })
  if (answer.status !== 200 && answer.status !== 503) throw findingOf(answer)
  return { saw: 'accepted' }
}

async function checkDirectory(ask: Ask, token: string): Promise<Seen> {
  parsed(keyList, await ask({ path: '/admin/keys?limit=1', token }), 200)
  return { saw: 'lists keys' }
}

/** The account of an id that is no key looks for a copy in KV, and KV must say that there is none. */
async function checkKv(ask: Ask, token: string): Promise<Seen> {
  const unknownId = crypto.randomUUID().replaceAll('-', '').slice(0, 12)
  const answer = await ask({ path: `/admin/keys/${unknownId}`, token })
  if (answer.status !== 404 || !answer.text.includes('"key_not_found"')) throw findingOf(answer)
  return { saw: 'was read' }
}

/** It runs to its end, since a key may exist before its answer arrives. */
async function createKey(ask: Ask, token: string): Promise<Seen & CreatedKey> {
  const now = new Date()
  const body = {
    name: `doctor ${now.toISOString()}`,
    expiresAt: new Date(now.getTime() + KEY_LIFETIME_MS).toISOString(),
    limits: KEY_LIMITS,
  }
  const answer = await ask({ method: 'POST', path: '/admin/keys', token, body, isFinal: true })
  const key = parsed(createdKey, answer, 201)
  const saw = `made the key ${shown(key.id)}, which ends by itself in ${KEY_LIFETIME_MS / 60_000} minutes`
  return { ...key, saw }
}

function complete(ask: Ask, { secret }: CreatedKey, isStream: boolean): Promise<Answer> {
  return ask({
    method: 'POST',
    path: '/v1/chat/completions',
    token: secret,
    body: { ...QUESTION, stream: isStream },
    timeoutMs: MODEL_TIMEOUT_MS,
  })
}

async function checkCall(ask: Ask, key: CreatedKey): Promise<Seen> {
  const answer = await complete(ask, key, false)
  const { usage } = parsed(completion, answer, 200)
  return { saw: `${QUESTION.model} answered in ${Math.round(answer.endMs)} ms, ${usage.total_tokens} tokens` }
}

async function checkStream(ask: Ask, key: CreatedKey): Promise<Seen> {
  const answer = await complete(ask, key, true)
  const { status, contentType, text, firstByteMs, endMs } = answer
  if (status !== 200 || !contentType.startsWith('text/event-stream')) throw findingOf(answer)
  if (!/^data: \[DONE\]$/m.test(text)) {
    const error = /^data: (\{"error":.*)$/m.exec(text)?.[1]
    const reason = error === undefined ? '' : `: ${shown(error)}`
    throw new Finding(`the stream broke${reason}`, RETRY_OR_LOG)
  }
  return { saw: `first byte after ${Math.round(firstByteMs)} ms, whole after ${Math.round(endMs)} ms` }
}

/** A limit below any request must refuse the next one. The account decides, so the change holds everywhere at once. */
async function checkLimits(ask: Ask, token: string, key: CreatedKey): Promise<Seen> {
  const body = { limits: { tokensPerMinute: 1 } }
  const changed = await ask({ method: 'PATCH', path: `/admin/keys/${key.id}`, token, body })
  if (changed.status !== 200) throw findingOf(changed)
  const answer = await complete(ask, key, false)
  if (answer.status === 200) {
    throw new Finding('a request above the limit of its key was answered', `The log has the reason: ${LOG}`)
  }
  if (answer.status !== 429 || !answer.text.includes('"rate_limit_exceeded"')) throw findingOf(answer)
  return { saw: 'a request above the limit of its key gets 429' }
}

/** It runs to its end, also after the checks are stopped. */
async function deleteKey(ask: Ask, token: string, key: CreatedKey): Promise<Seen> {
  const answer = await ask({ method: 'DELETE', path: `/admin/keys/${key.id}`, token, isFinal: true })
  if (answer.status !== 200) throw findingOf(answer)
  return { saw: shown(key.id) }
}

/** The account decides on the secret too, so a deleted key ends everywhere at once. */
async function checkRefused(ask: Ask, key: CreatedKey): Promise<Seen> {
  const answer = await complete(ask, key, false)
  if (answer.status === 200) {
    throw new Finding('the deleted key still works', `The log has the reason: ${LOG}`)
  }
  if (answer.status !== 401) throw findingOf(answer)
  return { saw: 'gets 401' }
}

/** @throws Finding where the status or the form is another one. */
function parsed<Schema extends z.ZodMiniType>(
  schema: Schema,
  answer: Answer,
  status: number,
): z.output<Schema> {
  const value = schema.safeParse(jsonOf(answer.text))
  if (answer.status !== status || !value.success) throw findingOf(answer)
  return value.data
}
