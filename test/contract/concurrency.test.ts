/** Concurrent calls stay separate, although the binding keeps ids and options in fields shared by the isolate. */
import { expect, it } from 'vitest'
import { useContractGateway } from '../support/node/contract-gateway.ts'
import { rawPost } from '../support/node/raw-client.ts'
import { type Answer, failure, jsonAnswer, streamAnswer } from '../support/node/upstream-answer.ts'
import type { UpstreamCall } from '../support/node/upstream-server.ts'

/** An isolate in production gets fewer concurrent calls. */
const CALLS = 120

const MODELS: Record<string, string> = {
  'o3-mini': 'openai/o3-mini',
  fast: 'openai/gpt-5-mini',
  deep: 'openai/gpt-6-luna',
}

const contract = useContractGateway({
  MODELS: JSON.stringify({ fast: MODELS['fast'], deep: MODELS['deep'] }),
})

/** Each answer repeats its call's tag. The answers alternate between JSON, a stream and a failure. */
function answerFor(call: UpstreamCall, number: number): Answer {
  if (number % 3 === 0) return jsonAnswer(JSON.stringify({ id: call.tag }))
  if (number % 3 === 1) return streamAnswer(`data: {"id":"${call.tag}"}\n\ndata: [DONE]\n\n`)
  return failure.vendor(400, { message: 'No.', type: 'invalid_request_error', param: call.tag, code: null })
}

it('concurrent calls never mix their models, options, answers or request ids', async () => {
  const all = Promise.withResolvers<void>()
  const answered: PromiseWithResolvers<void>[] = []
  let arrived = 0
  const names = Object.keys(MODELS)
  const work = Array.from({ length: CALLS }, async (_, number) => {
    const turn = Promise.withResolvers<void>()
    answered.push(turn)
    const model = names[number % names.length] ?? ''
    const script = (call: UpstreamCall): Answer => {
      arrived += 1
      if (arrived === CALLS) all.resolve()
      return { ...answerFor(call, number), headersAfter: turn.promise }
    }
    const { tag, body } = contract.prepare(script, { model, stream: number % 3 === 1 })
    const response = await contract.post(body)
    return { number, tag, model, response, text: await response.text() }
  })
  await all.promise
  // The latest call is answered first.
  for (const { resolve } of answered.toReversed()) resolve()

  const results = await Promise.all(work)
  for (const { number, tag, model, response, text } of results) {
    expect(response.status).toBe(number % 3 === 2 ? 400 : 200)
    expect(text).toContain(tag)
    expect(results.filter((other) => other.text.includes(tag))).toHaveLength(1)
    const call = await contract.upstream.call(tag)
    expect(call.slug).toBe(MODELS[model])
    const metadata = expect.objectContaining({ request_id: response.headers.get('x-request-id') })
    expect(call.options).toEqual({ returnRawResponse: true, gateway: { id: 'default', metadata } })
    expect(await contract.logLine(response)).toMatchObject({ model, stream: number % 3 === 1 })
  }
  expect(new Set(results.map(({ response }) => response.headers.get('x-request-id'))).size).toBe(CALLS)
})

it('a disconnected client cancels no other call', async () => {
  const gate = Promise.withResolvers<void>()
  const answer = { ...jsonAnswer('{"id":1}'), headersAfter: gate.promise }
  const { url, secret } = contract.gateway
  const pairs = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const [cancelled, kept] = [contract.prepare(answer), contract.prepare(answer)]
      const client = rawPost(`${url}/v1/chat/completions`, secret, cancelled.body)
      const response = contract.post(kept.body)
      await contract.upstream.call(kept.tag)
      return { client, call: await contract.upstream.call(cancelled.tag), response }
    }),
  )
  for (const { client } of pairs) client.reset()
  for (const { call } of pairs) expect((await call.ended).by).toBe('caller')
  gate.resolve()
  for (const { response } of pairs) expect(await (await response).text()).toBe('{"id":1}')
})
