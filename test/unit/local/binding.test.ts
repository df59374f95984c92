/** The AI binding of the offline gateway. */
import { createExecutionContext } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { localBinding } from '../../../src/local/binding.ts'
import { Simulator } from '../../../src/local/simulator.ts'

const AT_ONCE = { firstByteDelayMs: 0, thinkMs: 0, chunkDelayMs: 0 }

function run(simulate: object, signal = new AbortController().signal) {
  const binding = localBinding(new Simulator(createExecutionContext(), {}))
  const inputs = { messages: [], simulate: { ...AT_ONCE, ...simulate } }
  return binding.run('openai/o3-mini', inputs, {
    returnRawResponse: true,
    gateway: { id: 'default' },
    signal,
  })
}

describe('the local binding', () => {
  it('rejects with the scripted error, which crosses RPC as a value', async () => {
    await expect(run({ throw: 'broken' })).rejects.toThrow('broken')
    const simulator = new Simulator(createExecutionContext(), {})
    expect(await simulator.runSafely('openai/o3-mini', {}, {})).toEqual({
      thrown: expect.stringContaining('returnRawResponse'),
    })
  })

  it('rejects when the signal aborts before the headers', async () => {
    const abort = new AbortController()
    setTimeout(() => abort.abort(new Error('client left')), 20)
    await expect(run({ hang: 'headers' }, abort.signal)).rejects.toThrow('client left')
  })

  it('resolves to undefined if the script says so', async () => {
    expect(await run({ undefined: true })).toBeUndefined()
  })

  it('finds the log of a call, and rejects for an unknown id and for a call without a usage', async () => {
    const logs = await localBinding(new Simulator(createExecutionContext(), {})).gateway('default')
    const idOf = (answer: unknown) => (answer as Response).headers.get('cf-aig-log-id') ?? ''
    const id = idOf(await run({ usage: { prompt_tokens: 5 } }))
    expect(await logs.getLog(id)).toMatchObject({ id, tokens_in: 5 })
    await expect(logs.getLog('unknown')).rejects.toThrow('AiGatewayLogNotFound')
    await expect(logs.getLog(idOf(await run({ usage: null })))).rejects.toThrow('AiGatewayLogNotFound')
  })
})
