/** The runtime's own class reads AI Gateway's logs, which meter a stream that ended without its usage. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { startUpstreamServer, type UpstreamServer } from '../support/node/upstream-server.ts'
import { aiBinding, startWorkerd, type WorkerdProcess } from '../support/node/workerd-process.ts'

/** The request path is the log id. */
const WORKER = `export default {
  async fetch(request, env) {
    const logId = new URL(request.url).pathname.slice(1)
    try {
      const log = await env.AI.gateway('team').getLog(logId)
      return Response.json({ ...log, isDate: log.created_at instanceof Date })
    } catch ({ name, message }) {
      return Response.json({ name, message })
    }
  },
}`

let upstream: UpstreamServer
let worker: WorkerdProcess
beforeAll(async () => {
  upstream = await startUpstreamServer()
  worker = await startWorkerd({
    modules: [{ name: 'index.js', type: 'esModule', bytes: Buffer.from(WORKER) }],
    compatibilityDate: '2026-08-15',
    compatibilityFlags: [],
    bindings: [aiBinding('AI', 'upstream')],
    externals: { upstream: upstream.port },
  })
})
afterAll(async () => {
  await worker.stop()
  await upstream.stop()
})

async function readLog(logId: string, signal: AbortSignal | null = null): Promise<unknown> {
  return (await fetch(`${worker.url}/${logId}`, { signal })).json()
}

it('a late log is not found at first, and later read whole', async () => {
  const record = { id: 'late', tokens_in: 15, tokens_out: 851, cost: 0.00376, success: true }
  upstream.logs.script('late', {
    record: { ...record, created_at: '2026-11-22T12:00:00Z' },
    notFoundTimes: 2,
  })
  const missing = { name: 'AiGatewayLogNotFound', message: 'Log not found' }
  expect([await readLog('late'), await readLog('late')]).toEqual([missing, missing])
  expect(await readLog('late')).toMatchObject({ ...record, isDate: true })
  expect(upstream.logs.requests.at(-1)).toEqual({ method: 'GET', gatewayId: 'team', logId: 'late' })
})

it('an unknown log is never found, and a failing log API is an error with another name', async () => {
  expect(await readLog('none')).toMatchObject({ name: 'AiGatewayLogNotFound' })
  upstream.logs.script('broken', { failure: { status: 500, body: '{"errors":[{"message":"no"}]}' } })
  expect(await readLog('broken')).toEqual({ name: 'AiGatewayInternalError', message: 'no' })
})

it('a log has the values of its record unchanged, whatever they are', async () => {
  const records = [
    { tokens_in: '12', tokens_out: -1 },
    { tokens_in: 1.5, tokens_out: null, cached: true },
    { tokens_in: 15, tokens_out: 851, cached: true, cost: 0 },
    { id: 'without-tokens' },
  ]
  for (const [index, record] of records.entries()) {
    upstream.logs.script(`odd-${index}`, { record: { ...record, created_at: '2026-11-22T12:00:00.000Z' } })
    expect(await readLog(`odd-${index}`)).toEqual({
      ...record,
      created_at: '2026-11-22T12:00:00.000Z',
      isDate: true,
    })
  }
})

it('a log API that hangs leaves the read pending, and no other read', async () => {
  upstream.logs.script('hanging', { hang: true })
  upstream.logs.script('other', { record: { tokens_in: 15 } })
  const abort = new AbortController()
  const reading = readLog('hanging', abort.signal)
  await vi.waitFor(() => expect(upstream.logs.requests.at(-1)).toMatchObject({ logId: 'hanging' }))
  expect(await readLog('other')).toMatchObject({ tokens_in: 15 })
  abort.abort(new Error('gave up'))
  await expect(reading).rejects.toThrow('gave up')
})
