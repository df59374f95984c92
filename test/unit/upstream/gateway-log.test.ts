import { describe, expect, it } from 'vitest'
import type { UpstreamBinding } from '../../../src/upstream/call.ts'
import { LOG_PAUSES_MS, usageFromLog } from '../../../src/upstream/gateway-log.ts'

/** A binding whose log says this, question by question; a stub, for the real one cannot be made to be late. */
function binding(answers: readonly unknown[]): UpstreamBinding {
  let asked = 0
  return {
    run: () => Promise.reject(new Error('not called')),
    gateway: () => ({
      async getLog() {
        const answer = answers[asked++]
        if (answer === undefined) throw new Error('AiGatewayLogNotFound')
        return answer
      },
    }),
  }
}

async function ask(answers: readonly unknown[]) {
  const pauses: number[] = []
  const usage = await usageFromLog(binding(answers), 'default', 'log', async (milliseconds) => {
    pauses.push(milliseconds)
  })
  return { usage, pauses }
}

const usage = { promptTokens: 10, cachedTokens: 0, completionTokens: 20, reasoningTokens: 0 }

describe('the usage from AI Gateway’s log', () => {
  it('is found when the log appears, with longer and longer pauses before', async () => {
    expect(await ask([undefined, undefined, { tokens_in: 10, tokens_out: 20 }])).toEqual({
      usage,
      pauses: LOG_PAUSES_MS.slice(0, 3),
    })
  })

  it('is waited for where the log is there before its tokens', async () => {
    expect((await ask([{ id: 'log' }, { tokens_in: 10, tokens_out: 20 }])).usage).toEqual(usage)
  })

  it('is unknown after the last question, within the 30 seconds that a Worker has after its answer', async () => {
    expect(await ask([])).toEqual({ usage: null, pauses: LOG_PAUSES_MS })
    expect(LOG_PAUSES_MS.reduce((sum, pause) => sum + pause, 0)).toBeLessThanOrEqual(27_000)
  })
})
