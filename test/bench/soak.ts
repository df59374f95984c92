/**
 * `npm run soak [seconds]` runs some minutes of mixed load on the built Worker, under workerd with the real `Ai` class.
 * Clients are slow or disconnect, the upstream fails, and KV loses writes. The soak fails on a hanging request, growing
 * memory, an unhandled error, or a ledger that differs by a token from the upstream's usage.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { startKvServer } from '../support/node/kv-server.ts'
import { type RealBindingGateway, startRealBindingGateway } from '../support/node/real-binding-gateway.ts'
import { startUpstreamServer } from '../support/node/upstream-server.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { ADMIN_TOKEN } from '../support/node/real-binding-gateway.ts'
import { answerOf, type Plan, tagOf } from './soak-upstream.ts'

const SECONDS_DEFAULT = 180
const SECONDS_MAX = 1800
const CONCURRENCY = 48
const KEYS = 200
/** The wait after the last request: the gateway polls AI Gateway's log for 25 s, and the ledger writes a second later. */
const SETTLE_SECONDS = 45
const MEMORY_GROWTH_MAX = 1.3

interface Key {
  id: string
  secret: string
  /** Whether all of the key's answers are complete, so that its usage is known to the token. */
  isExact: boolean
  promptTokens: number
  completionTokens: number
  requests: number
}

const seconds = Math.min(Number(process.argv[2] ?? SECONDS_DEFAULT), SECONDS_MAX)
const random = seededRandom(1)
const upstream = await startUpstreamServer((call) => answerOf(call, upstream.logs))
const kv = await startKvServer()
const vars = { STREAM_KEEPALIVE_SECONDS: '1' }
const gateway = await startRealBindingGateway({ upstreamPort: upstream.port, kv, vars })
const problems: string[] = []
const counts: Record<string, number> = {}
const memoryBytes: number[] = []
try {
  const keys = await issueKeys(gateway)
  kv.failsWrite = () => random() < 0.05
  const endMs = Date.now() + seconds * 1000
  const sampler = setInterval(() => memoryBytes.push(residentBytes(gateway.pid)), 1000)
  const workers = Array.from({ length: CONCURRENCY }, () => work(keys, endMs))
  const finished = await Promise.race([Promise.all(workers), sleep((seconds + 60) * 1000)])
  if (finished === undefined) problems.push('a request has not ended a minute after the end of the load')
  clearInterval(sampler)
  kv.failsWrite = () => false
  await sleep(SETTLE_SECONDS * 1000)
  // Each key gets one more request, so that a total whose last write was lost is written again.
  await Promise.all(
    keys.map((key) => sendRequest(key, { kind: 'json', promptTokens: 1, completionTokens: 1 })),
  )
  await sleep(5000)
  await compareLedger(keys)
  checkMemory()
  if (/uncaught|unhandled/i.test(gateway.output())) problems.push('the log has an unhandled error')
} finally {
  await gateway.stop()
  await upstream.stop()
  await kv.stop()
}
process.stdout.write(
  `${JSON.stringify({ seconds, ...counts, memoryMiB: memoryBytes.map((bytes) => Math.round(bytes / 2 ** 20)).filter((_, i) => i % 10 === 0) })}\n`,
)
for (const problem of problems) process.stderr.write(`soak: ${problem}\n`)
process.stdout.write(
  problems.length === 0 ? 'soak: no lost usage, no hanging request, no memory growth\n' : '',
)
process.exitCode = problems.length === 0 ? 0 : 1

/** Half of the keys are metered in the stream, half by AI Gateway's log. Every fifth has broken streams and disconnects. */
async function issueKeys(issuer: RealBindingGateway): Promise<Key[]> {
  return Promise.all(
    Array.from({ length: KEYS }, async (_, number) => {
      const limits =
        number % 2 === 0 ? { budget: { usd: 1_000, period: 'day' } } : { requestsPerMinute: 1_000_000 }
      const key = await issuer.issueKey({ name: `soak ${number}`, limits })
      return { ...key, isExact: number % 5 !== 0, promptTokens: 0, completionTokens: 0, requests: 0 }
    }),
  )
}

async function work(keys: readonly Key[], endMs: number): Promise<void> {
  while (Date.now() < endMs) {
    const key = keys[Math.floor(random() * keys.length)]
    if (key === undefined) continue
    const tokens = { promptTokens: Math.ceil(random() * 900), completionTokens: Math.ceil(random() * 60) }
    const kinds: Plan['kind'][] = key.isExact
      ? ['json', 'json', 'stream', 'stream', 'slow', 'refused']
      : ['broken', 'disconnecting', 'stream', 'json', 'reset']
    const kind = kinds[Math.floor(random() * kinds.length)] ?? 'json'
    await sendRequest(key, { kind, ...tokens })
    counts[kind] = (counts[kind] ?? 0) + 1
  }
}

/** Sends one request and reads its answer. Adds the expected usage to the key. */
async function sendRequest(key: Key, plan: Plan): Promise<void> {
  const stream = !['json', 'refused', 'reset'].includes(plan.kind)
  const abort = new AbortController()
  try {
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      signal: abort.signal,
      headers: { authorization: `Bearer ${key.secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'o3-mini',
        messages: [{ role: 'user', content: 'Hello there' }],
        stream,
        user: tagOf(plan),
      }),
    })
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString()
      if (plan.kind === 'slow') await sleep(20)
      if (plan.kind === 'disconnecting' && text.length > 300) abort.abort()
    }
    const isWhole = response.status === 200 && text.endsWith(stream ? 'data: [DONE]\n\n' : '}')
    if (key.isExact && plan.kind !== 'refused') {
      if (!isWhole) problems.push(`${plan.kind}: ${response.status} ${text.slice(-200)}`)
      key.promptTokens += plan.promptTokens
      key.completionTokens += plan.completionTokens
    }
    if (plan.kind === 'broken' && isWhole) problems.push('a broken stream looked complete')
    key.requests += 1
  } catch (error) {
    key.requests += 1
    if (plan.kind !== 'disconnecting') problems.push(`${plan.kind}: ${String(error)}`)
  }
}

/** Compares by a second gateway, which sees only KV: totals that are only in the first gateway's memory do not count. */
async function compareLedger(keys: readonly Key[]): Promise<void> {
  const reader = await startRealBindingGateway({ upstreamPort: upstream.port, kv, vars })
  try {
    for (const key of keys.filter(({ isExact }) => isExact)) {
      const response = await fetch(`${reader.url}/admin/keys/${key.id}/usage`, {
        headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
      })
      const { days } = (await response.json()) as {
        days: Pick<Key, 'promptTokens' | 'completionTokens' | 'requests'>[]
      }
      for (const name of ['promptTokens', 'completionTokens', 'requests'] as const) {
        const stored = days.reduce((sum, day) => sum + day[name], 0)
        if (stored !== key[name])
          problems.push(`${key.id}: ${name} ${stored} in the ledger, ${key[name]} served`)
      }
    }
  } finally {
    await reader.stop()
  }
}

/** Compares the last third of the samples with the second third: memory may not grow after the warm-up. */
function checkMemory(): void {
  const third = Math.floor(memoryBytes.length / 3)
  const [before, after] = [median(memoryBytes.slice(third, 2 * third)), median(memoryBytes.slice(2 * third))]
  if (after > before * MEMORY_GROWTH_MAX)
    problems.push(`memory grew from ${before} to ${after} bytes after warm-up`)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

/** Resident memory from Linux's /proc, which counts pages of 4 KiB. */
function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096
}
