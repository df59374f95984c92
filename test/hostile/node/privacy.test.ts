/**
 * Canary words pass through a varied run of the production build: in prompts, tool arguments, answers, keys and the
 * admin token. They must never appear in the log, in KV, in AI Gateway's options, or in the gateway's own errors. A tag appears in
 * AI Gateway's options and in the ledger alone.
 */
import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { useContractGateway } from '../../support/node/contract-gateway.ts'
import { rawConnect } from '../../support/node/raw-client.ts'
import { ADMIN_TOKEN, type IssuedKey } from '../../support/node/real-binding-gateway.ts'
import { type Answer, failure, jsonAnswer, streamAnswer } from '../../support/node/upstream-answer.ts'

const contract = useContractGateway({
  STREAM_KEEPALIVE_SECONDS: '1',
  UPSTREAM_TIMEOUT_SECONDS: '1',
  USAGE_TAGS: 'team',
})

const PROMPT = 'canary-of-a-prompt'
const ARGUMENTS = 'canary-of-tool-arguments'
const ANSWER = 'canary-of-an-answer'
/** The ledger and AI Gateway have it. */
const TAG = 'canary-of-a-tag'
/** A label that is no tag. */
const LABEL = 'canary-of-a-label'
const WORDS = [PROMPT, ARGUMENTS, ANSWER, LABEL]
const METADATA = { team: TAG, label: LABEL }

const call = {
  id: 'c',
  type: 'function',
  function: { name: 'f', arguments: JSON.stringify({ a: ARGUMENTS }) },
}
const MESSAGES = [
  { role: 'user', content: PROMPT },
  { role: 'assistant', tool_calls: [call] },
  { role: 'tool', tool_call_id: 'c', content: [{ type: 'text', text: PROMPT }] },
]
const USAGE = { prompt_tokens: 9, completion_tokens: 9 }
const answered = JSON.stringify({
  choices: [{ message: { content: ANSWER, tool_calls: [call] } }],
  usage: USAGE,
})
const chunk = `data: ${JSON.stringify({ choices: [{ delta: { content: ANSWER } }] })}\n\n`
const last = `data: ${JSON.stringify({ choices: [], usage: USAGE })}\n\ndata: [DONE]\n\n`
const echo = `${PROMPT} ${ARGUMENTS} ${ANSWER}`

/** The upstream's behaviours. Most of them repeat the caller's words. */
const ANSWERS: [string, Answer][] = [
  ['answers', jsonAnswer(answered)],
  ['streams', streamAnswer([chunk, chunk, last])],
  ['is cut off', { ...jsonAnswer(''), body: [answered.slice(0, 80)], ending: 'reset' }],
  ['resets its stream', streamAnswer([chunk, chunk.slice(0, 60)], 'reset')],
  ['sends garbage', jsonAnswer(`{"${echo}`)],
  ['sends events of garbage', streamAnswer(`data: {"usage":{"${echo}\n\n`)],
  ['answers with a page', failure.text(502, `<html>${echo}</html>`, 'text/html')],
  ['fails with text', failure.text(500, `3040: ${echo}`)],
  ['fails with a list', failure.cloudflareErrors(400, 5004, echo)],
  ['fails with a code', failure.cloudflareInternal(500, 3007, echo)],
  ['fails at the gateway', failure.aiGateway(401, 2009, echo)],
  ['has no credit', failure.text(402, `insufficient balance: ${echo}`)],
  ['has no such model', failure.cloudflareErrors(404, 7003, echo)],
  ['fails as the vendor', failure.vendor(500, { message: echo, type: 'x', param: null, code: null })],
  ['hangs', { instead: 'hang' }],
  ['resets', { instead: 'reset' }],
]

let keys: IssuedKey[]
let spare: IssuedKey
/** The texts of the gateway's own errors. */
const errors: string[] = []

async function post(key: IssuedKey, body: unknown, path = '/v1/chat/completions'): Promise<void> {
  const response = await fetch(contract.gateway.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json', 'x-own': PROMPT },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await response.text()
  // In a stream, only the final error event is the gateway's own.
  const event = text.lastIndexOf('data: {"error"')
  if (response.status >= 400 || event !== -1) errors.push(text.slice(Math.max(0, event)))
}

async function admin(method: string, path: string, body?: unknown): Promise<IssuedKey> {
  const response = await fetch(contract.gateway.url + path, {
    method,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return (await response.json()) as IssuedKey
}

beforeAll(async () => {
  const { gateway } = contract
  keys = [
    await gateway.issueKey(),
    await gateway.issueKey({ limits: { tokensPerMinute: 1_000_000, requestsPerMinute: 1_000 } }),
    await gateway.issueKey({ limits: { budget: { usd: 10, period: 'day' }, requestsPerDay: 1_000 } }),
    await gateway.issueKey({ limits: { requestsPerMinute: 1 } }),
  ]
  spare = await gateway.issueKey()
  const served = keys.flatMap((key) =>
    ANSWERS.flatMap(([, answer]) =>
      [false, true].map((stream) =>
        post(key, contract.prepare(answer, { messages: MESSAGES, metadata: METADATA, stream }).body),
      ),
    ),
  )
  const [key = spare] = keys
  const wrong = { ...spare, secret: `${spare.secret.slice(0, -1)}${spare.secret.endsWith('0') ? '1' : '0'}` }
  const refused = [
    post(wrong, { model: 'o3-mini', messages: MESSAGES }),
    post(spare, { model: 'o3-mini', messages: MESSAGES }, `/v1/${spare.id}`),
    post(key, `{"model":"o3-mini","messages":[{"content":"${PROMPT}`),
    post(key, { model: 'o3-mini', messages: [{ role: 'user', content: { [PROMPT.length]: PROMPT } }] }),
    post(key, { model: 'o3-mini', messages: [...MESSAGES, { role: 'user' }, 5] }),
    post(key, { model: 'o3-mini', messages: MESSAGES, metadata: METADATA, temperature: 9 }),
    post(key, { model: 'o3-mini', messages: MESSAGES, metadata: { team: 5, [LABEL]: TAG } }),
    post(key, { model: 'gpt-99', messages: MESSAGES }),
  ]
  await Promise.all([...served, ...refused])
  await disconnectDuringBody(key)
  await admin('PATCH', `/admin/keys/${spare.id}`, { name: 'renamed' })
  keys.push(await admin('POST', `/admin/keys/${spare.id}/rotate`, { graceSeconds: 60 }))
  await post(spare, { model: 'o3-mini', messages: MESSAGES })
  for (const path of ['/admin/keys', '/admin/usage?by=key', `/admin/keys/${spare.id}/usage`])
    await admin('GET', path)
}, 60_000)

async function disconnectDuringBody(key: IssuedKey): Promise<void> {
  const client = rawConnect(contract.gateway.url)
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${key.secret}\r\n`
  await client.write(`${head}content-type: application/json\r\ncontent-length: 900\r\n\r\n{"x":"${PROMPT}`)
  client.end()
  errors.push(await client.closed)
}

/** Returns each secret, whole and without its public id, and the admin token. */
function secrets(): string[] {
  return [...keys, spare].flatMap(({ secret }) => [secret, secret.slice(-33)]).concat(ADMIN_TOKEN)
}

function hashes(): string[] {
  return [...keys, spare].map(({ secret }) => createHash('sha256').update(secret).digest('hex'))
}

function expectNone(text: string, words: readonly string[]): void {
  expect(words.filter((word) => text.includes(word))).toEqual([])
}

describe('after a run of every behaviour', () => {
  it('the log has a line for each request, and no canary', () => {
    const output = contract.gateway.output()
    expect(output.match(/^\{.*"event":"request"/gm)?.length).toBeGreaterThan(4 * 2 * ANSWERS.length)
    expectNone(output, [...WORDS, TAG, ...secrets(), ...hashes()])
  })

  it('KV has hashes only in the values of keys, and no canary', async () => {
    const { entries } = contract.gateway.kv
    const values = (): string => [...entries.values()].map(({ value }) => value.toString()).join('\n')
    // The account puts one copy a second at most: the rotated secret's hash comes after the new name.
    await vi.waitFor(() => expect(hashes().filter((hash) => !values().includes(hash))).toEqual([]), 3_000)
    const all = [...entries].map(([name, { value, metadata }]) => `${name} ${metadata} ${value.toString()}`)
    expectNone(all.join('\n'), [...WORDS, TAG, ...secrets()])
    const others = [...entries].map(([name, { value, metadata }]) =>
      name.startsWith('key:') ? `${name} ${metadata}` : `${name} ${metadata} ${value.toString()}`,
    )
    expectNone(others.join('\n'), hashes())
  })

  it('the storage of the objects has hashes and tags only, and no other canary', () => {
    const stored = contract.gateway.storage()
    expect(stored).toContain('renamed')
    expect(stored).toContain(TAG)
    expectNone(stored, [...WORDS, ...secrets()])
  })

  it('AI Gateway’s options have no secret, and no canary but the tag outside the call’s body', () => {
    const { calls } = contract.upstream
    expect(calls.length).toBeGreaterThan(ANSWERS.length)
    for (const { options, headers, path } of calls)
      expectNone(JSON.stringify([options, headers, path]), [...WORDS, ...secrets(), ...hashes()])
    expect(calls.some(({ options }) => JSON.stringify(options['gateway']).includes(TAG))).toBe(true)
    expectNone(calls.map(({ text }) => text).join('\n'), [...secrets(), ...hashes()])
  })

  it('the gateway’s own errors have no canary', () => {
    expect(errors.length).toBeGreaterThan(ANSWERS.length)
    expectNone(errors.join('\n'), [...WORDS, TAG, ...secrets(), ...hashes()])
  })
})
