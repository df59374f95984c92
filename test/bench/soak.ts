/**
 * `npm run soak [seconds]` runs some minutes of mixed load on the built Worker, under workerd with the real `Ai` class.
 * Clients are slow or disconnect, the upstream fails, KV loses writes, and the process with all its objects is killed three
 * times, once the accounts have confirmed the settlements. The soak fails on a hanging request, growing memory, an unhandled
 * error, or a ledger that differs by a token from the upstream's usage.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
/** The parts of the time between two restarts of the process. The last one shows whether memory grows. */
const PHASES = [0.2, 0.2, 0.2, 0.4]
/** How long settlements may take until the accounts have them. */
const CONFIRM_SECONDS = 30
/** The accounts ask AI Gateway's log after 5 s, and after 30 s more where the entry was not there yet. */
const CORRECT_SECONDS = 60
/** Accounts report to the directory at most once a minute. */
const REPORT_SECONDS = 90
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

type Figures = Pick<Key, 'promptTokens' | 'completionTokens' | 'requests'>
const FIGURES = ['promptTokens', 'completionTokens', 'requests'] as const
const NOTHING: Figures = { promptTokens: 0, completionTokens: 0, requests: 0 }

const seconds = Math.min(Number(process.argv[2] ?? SECONDS_DEFAULT), SECONDS_MAX)
const random = seededRandom(1)
const upstream = await startUpstreamServer((call) => answerOf(call, upstream.logs))
const kv = await startKvServer()
const vars = { STREAM_KEEPALIVE_SECONDS: '1' }
const storagePath = mkdtempSync(join(tmpdir(), 'soak-'))
const start = () => startRealBindingGateway({ upstreamPort: upstream.port, kv, vars, storagePath })
let gateway = await start()
const problems: string[] = []
const counts: Record<string, number> = {}
let memoryBytes: number[] = []
try {
  const keys = await issueKeys(gateway)
  const exactKeys = keys.filter(({ isExact }) => isExact)
  for (const [phase, part] of PHASES.entries()) {
    if (phase > 0) await restart()
    await load(keys, part * seconds)
    await waitForLedger('confirmed', exactKeys, CONFIRM_SECONDS, ['requests'])
  }
  await waitForLedger('corrected', exactKeys, CORRECT_SECONDS, FIGURES)
  await waitForDirectory(exactKeys)
  checkMemory()
  checkLog()
} finally {
  await gateway.stop()
  await upstream.stop()
  await kv.stop()
  rmSync(storagePath, { recursive: true })
}
process.stdout.write(
  `${JSON.stringify({ seconds, ...counts, memoryMiB: memoryBytes.map((bytes) => Math.round(bytes / 2 ** 20)).filter((_, i) => i % 10 === 0) })}\n`,
)
for (const problem of problems) process.stderr.write(`soak: ${problem}\n`)
process.stdout.write(
  problems.length === 0 ? 'soak: no lost usage, no hanging request, no memory growth\n' : '',
)
process.exitCode = problems.length === 0 ? 0 : 1

/** Kills the process with all its isolates and objects, and starts another one on what they have stored. */
async function restart(): Promise<void> {
  checkLog()
  process.kill(gateway.pid, 'SIGKILL')
  await gateway.stop()
  gateway = await start()
}

async function load(keys: readonly Key[], loadSeconds: number): Promise<void> {
  memoryBytes = []
  kv.failsWrite = () => random() < 0.05
  const endMs = Date.now() + loadSeconds * 1000
  const sampler = setInterval(() => memoryBytes.push(residentBytes(gateway.pid)), 1000)
  const workers = Array.from({ length: CONCURRENCY }, () => work(keys, endMs))
  const finished = await Promise.race([Promise.all(workers), sleep((loadSeconds + 60) * 1000)])
  if (finished === undefined) problems.push('a request has not ended a minute after the end of the load')
  clearInterval(sampler)
  kv.failsWrite = () => false
}

function checkLog(): void {
  if (/uncaught|unhandled/i.test(gateway.output())) problems.push('the log has an unhandled error')
}

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

/** Waits until each account has booked what the key's answers took. */
async function waitForLedger(
  what: string,
  keys: readonly Key[],
  secondsMax: number,
  names: readonly (keyof Figures)[],
): Promise<void> {
  const bookedOf = async (key: Key): Promise<Figures> =>
    ((await askOperator(`/admin/keys/${key.id}/usage`)) as { total: Figures }).total
  await waitForEqual(what, keys, secondsMax, names, async () => Promise.all(keys.map(bookedOf)))
}

/** Waits until the directory has the same figures in one answer. */
async function waitForDirectory(keys: readonly Key[]): Promise<void> {
  await waitForEqual('reported', keys, REPORT_SECONDS, FIGURES, async () => {
    const { data } = (await askOperator('/admin/usage?by=key&limit=1000')) as {
      data: (Figures & { id: string })[]
    }
    return keys.map(({ id }) => data.find((row) => row.id === id) ?? NOTHING)
  })
}

async function waitForEqual(
  what: string,
  keys: readonly Key[],
  secondsMax: number,
  names: readonly (keyof Figures)[],
  read: () => Promise<Figures[]>,
): Promise<void> {
  let differences: string[] = []
  for (let second = 0; second < secondsMax; second += 1) {
    const booked = await read()
    differences = keys.flatMap((key, at) =>
      names.flatMap((name) => {
        const stored = booked[at]?.[name]
        return stored === key[name] ? [] : [`${key.id}: ${stored} ${name} ${what}, ${key[name]} served`]
      }),
    )
    if (differences.length === 0) return
    await sleep(1000)
  }
  problems.push(...differences)
}

async function askOperator(path: string): Promise<unknown> {
  const response = await fetch(gateway.url + path, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })
  return response.json()
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
