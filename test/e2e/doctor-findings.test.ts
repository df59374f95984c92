/** `npm run doctor` says of a gateway that is not well what is wrong with it and what to run. */
import type { RequestListener } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { answerError, closeServers, runDoctor, serve, serveInFront } from '../support/node/doctor.ts'
import { type OfflineGateway, startOfflineGateway } from '../support/node/offline-gateway.ts'

const url = inject('gatewayUrl')

describe('with a gateway that is not set up', () => {
  afterEach(closeServers)

  it.each([
    ['admin token', '/admin/keys?limit=1', 403, 'admin_off', 'wrangler secret put ADMIN_TOKEN'],
    ['directory', '/admin/keys?limit=1', 503, 'keys_unavailable', 'npx wrangler tail'],
    ['health', '/health', 500, 'misconfigured', 'npm run deploy'],
  ])('says what is wrong with %s', async (name, path, status, code, advice) => {
    const front = await serveInFront(
      url,
      (asked, response) => asked === path && answerError(response, status, code, 'as simulated'),
    )
    const outcome = await runDoctor([front])
    expect(outcome.code).toBe(1)
    expect(outcome.output).toMatch(
      new RegExp(`^WRONG +${name} +${status} ${code}: as simulated\\n.*${advice}`, 'm'),
    )
  })

  it('says that KV fails, and goes on with the other checks', async () => {
    const front = await serveInFront(
      url,
      (path, response) =>
        /^\/admin\/keys\/[0-9a-f]{12}$/.test(path) &&
        answerError(response, 503, 'keys_unavailable', 'as simulated'),
    )
    const { code, output } = await runDoctor([front])
    expect(code).toBe(1)
    expect(output).toMatch(/^WRONG +KV +503 keys_unavailable/m)
    expect(output).toContain('9 ok, 1 wrong')
  })
})

describe('with an upstream that fails', () => {
  let gateway: OfflineGateway
  let upstream: RequestListener = (_, response) => response.end()

  beforeAll(async () => {
    const upstreamUrl = await serve((request, response) => upstream(request, response))
    gateway = await startOfflineGateway({ extraArguments: ['--var', `LOCAL_UPSTREAM_URL:${upstreamUrl}`] })
  })
  afterAll(async () => {
    await gateway.stop()
    closeServers()
  })

  it.each([
    ['has no credit', 429, 'insufficient_quota', '429 insufficient_quota', 'Load credit'],
    ['has no such model', 404, 'model_not_found', '404 model_not_found', "MODELS = '"],
    ['refuses the gateway', 401, 'invalid_api_key', '500: ', 'AI_GATEWAY_ID'],
    ['breaks', 500, 'server_error', '502 upstream_error', 'npx wrangler tail'],
  ])('says what to run where it %s', async (_, status, code, wrong, advice) => {
    upstream = (_request, response) => answerError(response, status, code, 'as simulated')
    const outcome = await runDoctor([gateway.url])
    expect(outcome.code).toBe(1)
    const line = new RegExp(`^WRONG +call +${wrong}.*\\n +▸ .*${advice}`, 'm')
    expect(outcome.output).toMatch(line)
    expect(outcome.output).toMatch(/^- +not checked: stream$/m)
    expect(outcome.output).toMatch(/^ok +limits/m)
    expect(outcome.output).toMatch(/^ok +key deleted/m)
  })

  it('says that a stream broke', async () => {
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
    upstream = (request, response) => {
      let text = ''
      request.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      request.on('end', () => {
        if (!(JSON.parse(text) as { stream?: boolean }).stream) {
          const choices = [
            { index: 0, message: { role: 'assistant', content: 'Yes' }, finish_reason: 'stop' },
          ]
          response.writeHead(200, { 'content-type': 'application/json' })
          response.end(JSON.stringify({ id: 'x', object: 'chat.completion', choices, usage }))
          return
        }
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write('data: {"id":"x","choices":[{"index":0,"delta":{"content":"Ye"}}]}\n\n', () =>
          response.destroy(),
        )
      })
    }
    const { code, output } = await runDoctor([gateway.url])
    expect(code).toBe(1)
    expect(output).toMatch(/^ok +call/m)
    expect(output).toMatch(/^WRONG +stream +the stream broke: \{"error":/m)
    expect(output).toMatch(/^ok +key deleted/m)
  })
})
