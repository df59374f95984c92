/**
 * `npm run soak:dev -- [--seconds 180] [--clients 8] [--only cutUpload,agent] [--pauses 12] [--quiet-server] [--bare]
 * [--log file]`: many kinds of clients at once on a gateway that was started as `npm run dev` starts it, and then a lone
 * client with pauses. It ends with an error where the server has ended by itself or has stopped answering.
 *
 * `--only` picks kinds of clients. `--pauses` is how often the lone client pauses, for 5 s each. `--quiet-server` leaves
 * out saved files and resized terminals. `--bare` starts wrangler without this repository's guard. `--log` keeps all
 * that the server printed.
 */
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import { type OfflineGateway, startOfflineGateway } from '../support/node/offline-gateway.ts'
import { DISTURBANCES, RUDE_CLIENTS } from './dev-soak-breakers.ts'
import { askAfterPauses, LOCAL_SECRET, POLITE_CLIENTS } from './dev-soak-clients.ts'

const SECONDS_MAX = 1_800
const CLIENTS_MAX = 64
const PAUSES_MAX = 120
/** A start of wrangler takes some 3 s, a reload less than one: a longer silence is an outage. */
const SILENCE_MS_MAX = 15_000
const PROBE_EVERY_MS = 500
const DISTURB_EVERY_MS = 10_000
/** The longest client waits 30 s for one answer and asks a few times. */
const DRAIN_MS = 60_000
const RECENT_MAX = 20
/** What the terminal should not show. Request logs are JSON, and excluded. */
const SCARY = /error|uncaught|unhandled|exception|crash|fatal|warn/i

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '180' },
    clients: { type: 'string', default: '8' },
    only: { type: 'string', default: '' },
    'quiet-server': { type: 'boolean', default: false },
    pauses: { type: 'string', default: '12' },
    bare: { type: 'boolean', default: false },
    log: { type: 'string' },
  },
})
const seconds = Math.min(Number(values.seconds), SECONDS_MAX)
const workers = Math.min(Number(values.clients), CLIENTS_MAX)
const pauses = Math.min(Number(values.pauses), PAUSES_MAX)
const kinds = pick(values.only)
const startMs = Date.now()
const counts: Record<string, number> = {}
const failures = new Map<string, number>()
const recent: string[] = []
let longestSilenceMs = 0

const gateway = await startOfflineGateway({
  keeps: (argument) => !values.bare || !argument.startsWith('--import='),
})
const problems: string[] = []
const addresses = await openAddresses(gateway)
try {
  const endMs = Date.now() + seconds * 1000
  const isOver = (): boolean => Date.now() > endMs || gateway.ended() !== undefined
  const tasks = Array.from({ length: workers }, () => work(isOver))
  if (!values['quiet-server']) tasks.push(disturb(isOver))
  const drained = Promise.all(tasks).then(() => true)
  await probe(isOver)
  const isDrained = await Promise.race([drained, sleep(DRAIN_MS, false)])
  if (!isDrained && gateway.ended() === undefined) problems.push('a client is stuck a minute after the end')
  note('pauses')
  const lost = await askAfterPauses(gateway.url, pauses, () => gateway.ended() !== undefined)
  if (lost > 0) failures.set('a request of the lone client', lost)
  await checkUp(gateway)
} finally {
  await gateway.stop()
}
report(gateway)
process.exit(problems.length === 0 ? 0 : 1)

function pick(only: string): [string, (url: string) => Promise<void>][] {
  const all = Object.entries({ ...POLITE_CLIENTS, ...RUDE_CLIENTS })
  if (only === '') return all
  const names = only.split(',')
  const unknown = names.filter((name) => !all.some(([known]) => known === name))
  if (unknown.length > 0)
    throw new Error(`unknown: ${unknown.join(', ')}; known: ${all.map(([k]) => k).join(', ')}`)
  return all.filter(([name]) => names.includes(name))
}

async function work(isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const [name, act] = kinds[Math.floor(Math.random() * kinds.length)] ?? fail('no kind of client')
    note(name)
    await act(anyAddress()).catch((error: unknown) => {
      if (!isOver()) bump(`${name}: ${describe(error)}`)
    })
    counts[name] = (counts[name] ?? 0) + 1
    await sleep(Math.random() * 100)
  }
}

/** Asks on a new connection each time, as a person does who looks whether the server is there. */
async function probe(isOver: () => boolean): Promise<void> {
  let answeredMs = Date.now()
  while (!isOver()) {
    await sleep(PROBE_EVERY_MS)
    if (await answers(anyAddress())) answeredMs = Date.now()
    longestSilenceMs = Math.max(longestSilenceMs, Date.now() - answeredMs)
  }
}

async function disturb(isOver: () => boolean): Promise<void> {
  for (let nextMs = Date.now() + DISTURB_EVERY_MS; !isOver(); await sleep(PROBE_EVERY_MS)) {
    if (Date.now() < nextMs) continue
    nextMs = Date.now() + DISTURB_EVERY_MS
    for (const [name, act] of Object.entries(DISTURBANCES)) {
      note(name)
      act(gateway.pid)
      counts[name] = (counts[name] ?? 0) + 1
    }
  }
}

async function checkUp(server: OfflineGateway): Promise<void> {
  const end = server.ended()
  if (end !== undefined) {
    problems.push(`the server ended by itself with ${end}; the clients before it: ${recent.join(' ')}`)
    return
  }
  if (longestSilenceMs > SILENCE_MS_MAX) problems.push(`nothing answered for ${longestSilenceMs} ms`)
  if (!(await answers(server.url))) problems.push('the server does not answer at the end')
  await POLITE_CLIENTS['chatStream']?.(server.url).catch((error: unknown) => {
    problems.push(`no stream at the end: ${describe(error)}`)
  })
}

function report(server: OfflineGateway): void {
  if (values.log !== undefined) writeFileSync(values.log, server.output())
  const lines = stripVTControlCharacters(server.output()).split('\n')
  const scary = new Map<string, number>()
  for (const line of lines) {
    if (line.startsWith('{') || !SCARY.test(line)) continue
    const kind = line.replaceAll(/\d+|0x[0-9a-f]+/g, '#').slice(0, 240)
    scary.set(kind, (scary.get(kind) ?? 0) + 1)
  }
  print(JSON.stringify({ seconds: Math.round((Date.now() - startMs) / 1000), longestSilenceMs, ...counts }))
  for (const [what, times] of failures) print(`${times} × failed ${what}`)
  for (const [what, times] of scary) print(`${times} × printed ${what}`)
  if (problems.length > 0) print(`the last the server printed:\n${lines.slice(-25).join('\n')}`)
  for (const problem of problems) print(`dev soak: ${problem}`)
  if (problems.length === 0) print('dev soak: the server is up and answers')
}

/** `localhost` may be IPv4, IPv6 or both. */
async function openAddresses({ url }: OfflineGateway): Promise<string[]> {
  const addresses = ['127.0.0.1', '[::1]', 'localhost'].map((host) => url.replace('127.0.0.1', host))
  const open = await Promise.all(addresses.map(answers))
  return addresses.filter((_, number) => open[number])
}

function anyAddress(): string {
  return addresses[Math.floor(Math.random() * addresses.length)] ?? gateway.url
}

async function answers(url: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${LOCAL_SECRET}`, connection: 'close' }
  const signal = AbortSignal.timeout(SILENCE_MS_MAX)
  return fetch(`${url}/v1/models`, { headers, signal }).then(
    async (answer) => (await answer.text()).length > 0 && answer.ok,
    () => false,
  )
}

function note(name: string): void {
  recent.push(`${((Date.now() - startMs) / 1000).toFixed(1)}s:${name}`)
  if (recent.length > RECENT_MAX) recent.shift()
}

function bump(what: string): void {
  failures.set(what, (failures.get(what) ?? 0) + 1)
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return `${error.message.slice(0, 160)}${error.cause === undefined ? '' : ` (${describe(error.cause)})`}`
}

function fail(message: string): never {
  throw new Error(message)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
