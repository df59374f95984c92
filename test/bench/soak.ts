/**
 * `npm run soak [seconds]` runs some minutes of mixed load on the built Worker, under workerd with the real `Ai` class.
 * Honest clients are slow or disconnect, hostile ones attack beside them, the upstream fails, KV loses writes, and the process
 * with all its objects is killed three times, once the accounts have confirmed the settlements.
 *
 * The soak fails on a hanging request, growing memory, an unhandled error, a pause in the service of the honest clients, an
 * attack that gets another answer than its refusal, or books that differ by a token from the upstream's own count.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startKvServer } from '../support/node/kv-server.ts'
import { ADMIN_TOKEN, startRealBindingGateway } from '../support/node/real-binding-gateway.ts'
import { startUpstreamServer } from '../support/node/upstream-server.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { peakMiB, residentMiB } from './process-cost.ts'
import { drawAttack } from './soak-attacks.ts'
import { compareAccounts, compareDirectory, FIGURES } from './soak-books.ts'
import type { Loot } from './soak-checks.ts'
import { type Key, sendHonestRequest, type Service } from './soak-clients.ts'
import { BODY_SECONDS } from './soak-strangers.ts'
import { SoakUpstream } from './soak-upstream.ts'

const SECONDS_DEFAULT = 180
const SECONDS_MAX = 1800
const HONEST_CLIENTS = 48
const HOSTILE_CLIENTS = 12
const HONEST_KEYS = 200
/** The parts of the time between two restarts of the process. The last one shows whether memory grows. */
const PHASES = [0.2, 0.2, 0.2, 0.4]
/** How long settlements may take until the accounts have them. */
const CONFIRM_SECONDS = 30
/** The accounts ask AI Gateway's log after 5 s, and after 30 s more where the entry was not there yet. */
const CORRECT_SECONDS = 60
/** Accounts report to the directory at most once a minute. */
const REPORT_SECONDS = 90
const MEMORY_GROWTH_MAX = 1.3
/** Of the process, with the isolate, two hundred objects and what is not collected yet. The runtime itself takes 60. */
const MEMORY_MIB_MAX = 512
/** The longest time without a whole answer for any honest client, ms. */
const PAUSE_MS_MAX = 10_000
/** An attack that takes longer hangs, ms. */
const ATTACK_MS_MAX = 30_000
/** Connections that may be lost before an answer, of all requests. */
const LOST_CONNECTIONS_SHARE_MAX = 0.005
const SPENDER_BUDGET_USD = 0.02
/** The worst case of a spender's request: 1,000 tokens of each kind cost less than 0.01 USD. */
const SPENDER_WORST_USD = 0.01
/** The hostile clients and a tenth of the honest ones. */
const SHARED_ADDRESS = '198.51.100.7'

const seconds = Math.min(Number(process.argv[2] ?? SECONDS_DEFAULT), SECONDS_MAX)
const random = seededRandom(1)
const served = new SoakUpstream()
const upstream = await startUpstreamServer((call) => served.answer(call, upstream.logs))
const kv = await startKvServer()
const vars = { STREAM_KEEPALIVE_SECONDS: '1', BODY_SECONDS: `${BODY_SECONDS}` }
const storagePath = mkdtempSync(join(tmpdir(), 'soak-'))
const start = () => startRealBindingGateway({ upstreamPort: upstream.port, kv, vars, storagePath })
let gateway = await start()
const problems: string[] = []
const counts: Record<string, number> = {}
const attacks: Record<string, number> = {}
/** Of each process. */
const memory: { startMiB: number; endMiB: number; peakMiB: number }[] = []
let samplesMiB: number[] = []
let longestPauseMs = 0
const service: Service = {
  get url() {
    return gateway.url
  },
  random,
  count: (what) => void (counts[what] = (counts[what] ?? 0) + 1),
  fail: (problem) => void problems.push(problem),
}
const books = { askOperator, servedOf: (keyId: string) => served.servedOf(keyId) }
try {
  const honest = await issueHonestKeys()
  const loot = await issueLoot()
  const keys = [...honest, ...Object.values(loot)]
  const exactKeys = keys.filter(({ isExact }) => isExact)
  for (const [phase, part] of PHASES.entries()) {
    if (phase > 0) await restart()
    await load(honest, loot, part * seconds)
    const confirmed = { what: 'confirmed', secondsMax: CONFIRM_SECONDS, names: ['requests'] as const }
    problems.push(...(await compareAccounts(books, keys, confirmed)))
  }
  const corrected = { what: 'corrected', secondsMax: CORRECT_SECONDS, names: FIGURES }
  problems.push(...(await compareAccounts(books, exactKeys, corrected)))
  problems.push(...(await compareDirectory(books, exactKeys, REPORT_SECONDS)))
  await checkSpender(loot.spender)
  checkMemory()
  checkConnections()
  checkLog()
} catch (error) {
  problems.push(`${String(error)}\n${gateway.output().slice(-2_000)}`)
} finally {
  await gateway.stop()
  await upstream.stop()
  await kv.stop()
  rmSync(storagePath, { recursive: true })
}
process.stdout.write(`${JSON.stringify({ seconds, ...counts, longestPauseMs, attacks, memory })}\n`)
for (const problem of problems.slice(0, 50)) process.stderr.write(`soak: ${problem}\n`)
process.stdout.write(
  problems.length === 0
    ? 'soak: no lost usage, no hanging request, no memory growth, and no honest client without service\n'
    : `soak: ${problems.length} problems\n`,
)
process.exitCode = problems.length === 0 ? 0 : 1

/** Kills the process with all its isolates and objects, and starts another one on what they have stored. */
async function restart(): Promise<void> {
  checkLog()
  process.kill(gateway.pid, 'SIGKILL')
  await gateway.stop()
  gateway = await start()
}

async function load(honest: readonly Key[], loot: Loot, loadSeconds: number): Promise<void> {
  kv.failsWrite = () => random() < 0.05
  const startMiB = residentMiB(gateway.pid)
  samplesMiB = []
  const sampler = setInterval(() => samplesMiB.push(residentMiB(gateway.pid)), 1000)
  const endMs = Date.now() + loadSeconds * 1000
  let lastServedMs = Date.now()
  const noteServed = (): void => {
    longestPauseMs = Math.max(longestPauseMs, Date.now() - lastServedMs)
    lastServedMs = Date.now()
  }
  const clients = [
    ...Array.from({ length: HONEST_CLIENTS }, async () => {
      while (Date.now() < endMs) await sendHonestRequest(service, draw(honest), noteServed)
    }),
    ...Array.from({ length: HOSTILE_CLIENTS }, async () => {
      while (Date.now() < endMs) await attack(loot)
    }),
  ]
  const finished = await Promise.race([Promise.all(clients), sleep((loadSeconds + 60) * 1000)])
  if (finished === undefined) problems.push('a request has not ended a minute after the end of the load')
  if (longestPauseMs > PAUSE_MS_MAX) problems.push(`no honest client was served for ${longestPauseMs} ms`)
  clearInterval(sampler)
  kv.failsWrite = () => false
  memory.push({
    startMiB: Math.round(startMiB),
    endMiB: Math.round(residentMiB(gateway.pid)),
    peakMiB: Math.round(peakMiB(gateway.pid)),
  })
}

async function attack(loot: Loot): Promise<void> {
  const [name, , run] = drawAttack(random)
  attacks[name] = (attacks[name] ?? 0) + 1
  try {
    const ended = run(service, loot).then(() => 'ended')
    if ((await Promise.race([ended, sleep(ATTACK_MS_MAX, 'late')])) === 'late')
      problems.push(`attack: ${name}: it hangs`)
  } catch (error) {
    problems.push(`attack: ${name}: ${String(error)}`)
  }
}

/** Half of the keys are metered in the stream, half by AI Gateway's log. Every fifth has broken streams and disconnects. */
async function issueHonestKeys(): Promise<Key[]> {
  const keys: Key[] = []
  for (let number = 0; number < HONEST_KEYS; number += 1) {
    const limits =
      number % 2 === 0 ? { budget: { usd: 1_000, period: 'day' } } : { requestsPerMinute: 1_000_000 }
    const key = await gateway.issueKey({ name: `soak ${number}`, limits })
    const address = number % 10 === 1 ? SHARED_ADDRESS : `192.0.2.${number}`
    keys.push({ ...key, isExact: number % 5 !== 0, address })
  }
  return keys
}

async function issueLoot(): Promise<Loot> {
  const issue = async (name: string, isExact: boolean, limits: object): Promise<Key> => ({
    ...(await gateway.issueKey({ name, limits })),
    isExact,
    address: SHARED_ADDRESS,
  })
  return {
    holder: await issue('holder', true, { budget: { usd: 1_000, period: 'total' } }),
    leaver: await issue('leaver', false, { budget: { usd: 1_000, period: 'total' } }),
    limited: await issue('limited', true, { requestsPerMinute: 5 }),
    spender: await issue('spender', true, { budget: { usd: SPENDER_BUDGET_USD, period: 'total' } }),
  }
}

function draw(keys: readonly Key[]): Key {
  const key = keys[Math.floor(random() * keys.length)]
  if (key === undefined) throw new Error('no keys')
  return key
}

async function checkSpender({ id }: Key): Promise<void> {
  const { total } = (await askOperator(`/admin/keys/${id}/usage`)) as { total: { costUsd: number } }
  if (!(total.costUsd <= SPENDER_BUDGET_USD + SPENDER_WORST_USD))
    problems.push(`a budget of ${SPENDER_BUDGET_USD} USD has let ${total.costUsd} USD through`)
}

/** It asks from the address whose wrong tokens are slowed down. */
async function askOperator(path: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'cf-connecting-ip': SHARED_ADDRESS }
  const response = await fetch(gateway.url + path, { headers })
  return response.json()
}

function checkConnections(): void {
  const { 'lost connection': lost = 0, ...kinds } = counts
  const requests = Object.values(kinds).reduce((sum, count) => sum + count, 0)
  if (lost > LOST_CONNECTIONS_SHARE_MAX * requests)
    problems.push(`${lost} connections of ${requests} were lost`)
}

function checkLog(): void {
  const lines = gateway.output()
  if (/uncaught|unhandled/i.test(lines)) problems.push('the log has an unhandled error')
  const [internal] = /^\{.*"reason":"internal.*$/m.exec(lines) ?? []
  if (internal !== undefined) problems.push(`the gateway itself has failed: ${internal}`)
}

/** Compares the last third of the samples with the second third: memory may not grow after the warm-up. */
function checkMemory(): void {
  const third = Math.floor(samplesMiB.length / 3)
  const [before, after] = [median(samplesMiB.slice(third, 2 * third)), median(samplesMiB.slice(2 * third))]
  if (after > before * MEMORY_GROWTH_MAX)
    problems.push(`memory grew from ${before} to ${after} MiB after warm-up`)
  const mostMiB = Math.max(...memory.map((process) => process.peakMiB))
  if (mostMiB > MEMORY_MIB_MAX) problems.push(`a process has taken ${mostMiB} MiB`)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
