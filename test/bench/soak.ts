/**
 * `npm run soak [seconds]`: some minutes of mixed load on what ships, under workerd with the real `Ai` class, with slow and
 * vanishing clients, an upstream that fails and a KV that loses writes. Ends with an error where anything is stuck, grows,
 * is unhandled, or where the ledger is not, to the token, what the upstream says it served.
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
/** After the last request: AI Gateway's log is asked for 25 s, and the ledger writes a second later. */
const SETTLE_SECONDS = 45
const MEMORY_GROWTH_MAX = 1.3

interface Key {
  id: string
  secret: string
  /** Whose answers all end well, so that its usage is known to the token. */
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
  if (finished === undefined) problems.push('a request is stuck a minute after the end')
  clearInterval(sampler)
  kv.failsWrite = () => false
  await sleep(SETTLE_SECONDS * 1000)
  // One more write for each key, so that totals whose last write was lost get another.
  await Promise.all(keys.map((key) => request(key, { kind: 'json', promptTokens: 1, completionTokens: 1 })))
  await sleep(5000)
  await compareLedger(keys)
  checkMemory()
  if (/uncaught|unhandled/i.test(gateway.output()))
    problems.push('an error that nobody handled is in the log')
} finally {
  await gateway.stop()
  await upstream.stop()
  await kv.stop()
}
process.stdout.write(
  `${JSON.stringify({ seconds, ...counts, memoryMiB: memoryBytes.map((bytes) => Math.round(bytes / 2 ** 20)).filter((_, i) => i % 10 === 0) })}\n`,
)
for (const problem of problems) process.stderr.write(`soak: ${problem}\n`)
process.stdout.write(problems.length === 0 ? 'soak: nothing lost, nothing stuck, nothing grew\n' : '')
process.exitCode = problems.length === 0 ? 0 : 1

/** Half of the keys are metered in passing, half from AI Gateway's log; every fifth meets breaks and vanishing clients. */
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
      : ['broken', 'vanishing', 'stream', 'json', 'reset']
    const kind = kinds[Math.floor(random() * kinds.length)] ?? 'json'
    await request(key, { kind, ...tokens })
    counts[kind] = (counts[kind] ?? 0) + 1
  }
}

/** One request to its end; what it must have cost is noted with its key. */
async function request(key: Key, plan: Plan): Promise<void> {
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
      if (plan.kind === 'vanishing' && text.length > 300) abort.abort()
    }
    const isWhole = response.status === 200 && text.endsWith(stream ? 'data: [DONE]\n\n' : '}')
    if (key.isExact && plan.kind !== 'refused') {
      if (!isWhole) problems.push(`${plan.kind}: ${response.status} ${text.slice(-200)}`)
      key.promptTokens += plan.promptTokens
      key.completionTokens += plan.completionTokens
    }
    if (plan.kind === 'broken' && isWhole) problems.push('a broken stream looked whole')
    key.requests += 1
  } catch (error) {
    key.requests += 1
    if (plan.kind !== 'vanishing') problems.push(`${plan.kind}: ${String(error)}`)
  }
}

/** Read by a second gateway, which has nothing but KV: what the first one kept in memory would not show. */
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

/** The last third against the one before it: after warm-up nothing may grow. */
function checkMemory(): void {
  const third = Math.floor(memoryBytes.length / 3)
  const [before, after] = [median(memoryBytes.slice(third, 2 * third)), median(memoryBytes.slice(2 * third))]
  if (after > before * MEMORY_GROWTH_MAX)
    problems.push(`memory grew from ${before} to ${after} bytes after warm-up`)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

/** From Linux's /proc, in pages of 4 KiB. */
function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096
}
