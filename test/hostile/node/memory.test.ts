/**
 * Clients send the bodies that would cost the most memory, and the resident memory of the runtime's process is measured at its
 * peak. An isolate in production has 128 MB for all its requests.
 */
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { peakMiB, residentMiB, resetPeak } from '../../bench/process-cost.ts'
import { rawConnect, type RawConnection, rawPost } from '../../support/node/raw-client.ts'
import { type RealBindingGateway, startRealBindingGateway } from '../../support/node/real-binding-gateway.ts'
import { jsonAnswer } from '../../support/node/upstream-answer.ts'
import { startUpstreamServer, type UpstreamServer } from '../../support/node/upstream-server.ts'

/** Growth of four bodies at once. From a key above its limit it was 658 MiB. */
const FOUR_BODIES_MIB_MAX = 150
/** Growth of forty connections without a key. It was 232 MiB. */
const STRANGERS_MIB_MAX = 40
const STRANGERS = 40
/** Bytes that each of them sends of a body without an end. */
const STRANGER_BYTES = 3_900_000

/** Growth of seven bodies whose models think. With their bytes beside their values it was 131 MiB, and without 108. */
const THINKING_MIB_MAX = 120

let upstream: UpstreamServer
let gateway: RealBindingGateway
// Each test has its own process, since a process keeps much of the memory that it once had.
beforeEach(async () => {
  upstream = await startUpstreamServer(jsonAnswer('{"choices":[]}'))
  gateway = await startRealBindingGateway({
    upstreamPort: upstream.port,
    uploadPath: inject('uploadPath'),
    vars: { BODY_SECONDS: '2' },
  })
})
afterEach(async () => {
  await gateway.stop()
  await upstream.stop()
})

/** The growth of resident memory at its peak, MiB. */
async function growthMiB(action: () => Promise<void>): Promise<number> {
  const beforeMiB = residentMiB(gateway.pid)
  resetPeak(gateway.pid)
  await action()
  return peakMiB(gateway.pid) - beforeMiB
}

function respond(secret: string, body: string): Promise<Response> {
  return fetch(`${gateway.url}/v1/responses`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body,
  })
}

describe('four bodies of 4.1 MB at once, each with 1.4 million values,', () => {
  it.each([
    ['above its limit', { requestsPerMinute: 1 }, 429],
    ['within its limits', {}, 400],
  ])('from a key that is %s are refused within their bound of memory', async (_who, limits, status) => {
    const { secret } = await gateway.issueKey({ limits })
    const first = await respond(secret, '{"model":"o3-mini","input":"Hello!"}')
    expect([first.status, await first.text()]).toEqual([200, '{"choices":[]}'])
    const body = `{"model":"o3-mini","input":[${'{},'.repeat(1_366_666)}{}]}`
    const grownMiB = await growthMiB(async () => {
      const answers = await Promise.all(Array.from({ length: 4 }, () => respond(secret, body)))
      expect(answers.map((answer) => answer.status)).toEqual([status, status, status, status])
    })
    expect(grownMiB).toBeLessThanOrEqual(FOUR_BODIES_MIB_MAX)
  })
})

describe('forty strangers whose bodies never end', () => {
  it.each(['/v1/chat/completions', '/admin/keys'])('at %s are kept nothing of', async (path) => {
    const head = `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`
    const chunk = `${STRANGER_BYTES.toString(16)}\r\n${'a'.repeat(STRANGER_BYTES)}\r\n`
    let strangers: RawConnection[] = []
    const grownMiB = await growthMiB(async () => {
      strangers = Array.from({ length: STRANGERS }, () => rawConnect(gateway.url))
      await Promise.all(strangers.map((stranger) => stranger.write(head + chunk)))
      await Promise.all(strangers.map((stranger) => stranger.until(/^HTTP\/1\.1 401 /)))
    })
    for (const stranger of strangers) stranger.reset()
    expect(grownMiB).toBeLessThanOrEqual(STRANGERS_MIB_MAX)
  })
})

describe('seven bodies of 4.1 MB whose models think', () => {
  it('are held as values alone, without their bytes', async () => {
    const content = 'a'.repeat(4_100_000)
    const grownMiB = await growthMiB(async () => {
      for (let number = 0; number < 7; number += 1) {
        const user = `thinking-${number}`
        upstream.script(user, { instead: 'hang' })
        const body = { model: 'o3-mini', user, messages: [{ role: 'user', content }] }
        rawPost(`${gateway.url}/v1/chat/completions`, gateway.secret, body)
        await upstream.call(user)
      }
    })
    expect(grownMiB).toBeLessThanOrEqual(THINKING_MIB_MAX)
  })
})
