import { describe, expect, it } from 'vitest'
import type { UpstreamBinding } from '../../../src/upstream/call.ts'
import { LOG_PAUSES_MS, usageFromLog } from '../../../src/upstream/gateway-log.ts'

/** Returns a binding that answers successive log reads. It is a stub, because the real log cannot be delayed. */
function binding(answers: readonly unknown[]): UpstreamBinding {
  let reads = 0
  return {
    run: () => Promise.reject(new Error('not called')),
    gateway: () => ({
      async getLog() {
        const answer = answers[reads++]
        if (answer === undefined) throw new Error('AiGatewayLogNotFound')
        return answer
      },
    }),
  }
}

async function readUsage(answers: readonly unknown[]) {
  const pauses: number[] = []
  const usage = await usageFromLog(binding(answers), 'default', 'log', async (milliseconds) => {
    pauses.push(milliseconds)
  })
  return { usage, pauses }
}

const usage = { promptTokens: 10, cachedTokens: 0, completionTokens: 20, reasoningTokens: 0 }

describe('the usage from AI Gateway’s log', () => {
  it('is found when the log appears, after increasing pauses', async () => {
    expect(await readUsage([undefined, undefined, { tokens_in: 10, tokens_out: 20 }])).toEqual({
      usage,
      pauses: LOG_PAUSES_MS.slice(0, 3),
    })
  })

  it('is read again when the log appears before its tokens', async () => {
    expect((await readUsage([{ id: 'log' }, { tokens_in: 10, tokens_out: 20 }])).usage).toEqual(usage)
  })

  it('is unknown after the last retry, within the 30 seconds that a Worker has after its answer', async () => {
    expect(await readUsage([])).toEqual({ usage: null, pauses: LOG_PAUSES_MS })
    expect(LOG_PAUSES_MS.reduce((sum, pause) => sum + pause, 0)).toBeLessThanOrEqual(27_000)
  })
})
