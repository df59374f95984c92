/**
 * `npm run bench:scale` measures what grows with keys, isolates and the directory, and computes the bill of a million requests.
 * It needs Linux. The README beside this file describes the method and the tables.
 *
 *   npm run bench:scale               at most ten minutes; prints the tables
 *   npm run bench:scale -- --quick    at most a minute; fewer keys and less time
 *   npm run bench:scale -- --only bill   one part: keys, isolates, directory or bill
 *   npm run bench:scale -- --write    also writes the tables into README.md
 */
import { parseArgs } from 'node:util'
import type { ProductionWorker } from '../support/node/production-worker.ts'
import { startChild } from './child.ts'
import { writeTable } from './readme.ts'
import { type BillRow, measureBill, PATTERNS } from './scale-bill.ts'
import { type DirectoryRows, measureDirectory } from './scale-directory.ts'
import { buildCounted, type Fleet, startFleet, startStore, type Store } from './scale-fleet.ts'
import { ISOLATE_LIMITS, type IsolatesKind, type IsolatesRow, measureIsolates } from './scale-isolates.ts'
import { DEFAULTS, type KeysRow, KINDS, measureKeys } from './scale-keys.ts'
import type { ScaleLoad } from './scale-load-process.ts'
import { scaleTables } from './scale-report.ts'
import type { UpstreamMode, UpstreamReady } from './upstream-process.ts'

const FULL = {
  activeKeys: [100, 1_000, 10_000],
  requests: 2_000,
  isolates: [1, 8, 64],
  seconds: 240,
  directories: [100, 10_000, 100_000],
  minutes: 2,
}
const QUICK = {
  activeKeys: [100, 500],
  requests: 500,
  isolates: [1, 8],
  seconds: 15,
  directories: [100, 1_000],
  minutes: 0,
}

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
})
const plan = options.quick ? QUICK : FULL

const upstream = startChild<UpstreamMode>('upstream-process.ts')
const { port } = await upstream.ask<UpstreamReady>({ kind: 'json' })
const worker: ProductionWorker = await buildCounted()

async function inFleet<Measured>(
  peers: number,
  measure: (fleet: Fleet) => Promise<Measured>,
  { store, vars = {} }: { store?: Store; vars?: Record<string, string> } = {},
): Promise<Measured> {
  const used = store ?? (await startStore())
  const fleet = await startFleet({ worker, upstreamPort: port, peers, vars }, used)
  try {
    return await measure(fleet)
  } finally {
    await fleet.stop()
    if (store === undefined) await used.stop()
  }
}

function isWanted(part: string): boolean {
  return options.only === undefined || options.only === part
}

function progress(part: string): void {
  process.stderr.write(`${Math.round(performance.now() / 1000)} s: ${part}\n`)
}

/** One fleet after the other, since their CPU time is compared. All have the same keys. */
async function runKeys(): Promise<KeysRow[]> {
  if (!isWanted('keys')) return []
  const { activeKeys: counts, requests } = plan
  progress(`${Math.max(...counts)} keys`)
  const store = await startStore()
  const load = startChild<ScaleLoad>('scale-load-process.ts')
  const rows: KeysRow[] = []
  try {
    const keys = await inFleet(1, (fleet) => fleet.createKeys(Math.max(...counts), {}), { store })
    for (const kind of KINDS) {
      progress(`keys with ${kind}`)
      const measure = (fleet: Fleet) => measureKeys(fleet, load, kind, { keys, counts, requests })
      rows.push(...(await inFleet(1, measure, { store, vars: DEFAULTS[kind] })))
    }
  } finally {
    load.stop()
    await store.stop()
  }
  return rows
}

async function runDirectories(): Promise<DirectoryRows[]> {
  const rows: DirectoryRows[] = []
  for (const keys of isWanted('directory') ? plan.directories : []) {
    progress(`a directory of ${keys} keys`)
    rows.push(await inFleet(1, (fleet) => measureDirectory(fleet, keys)))
  }
  return rows
}

/** These take minutes and little CPU time, so that they run at the same time. */
async function runSlow(): Promise<[IsolatesRow[], BillRow[]]> {
  progress('isolates and the bill')
  const kinds = Object.keys(ISOLATE_LIMITS) as IsolatesKind[]
  const isolates = kinds.flatMap((kind) => plan.isolates.map((peers) => ({ kind, peers })))
  const bills =
    plan.minutes === 0 ? [] : KINDS.flatMap((kind) => PATTERNS.map((pattern) => ({ kind, pattern })))
  return Promise.all([
    Promise.all(
      (isWanted('isolates') ? isolates : []).map(({ kind, peers }) =>
        inFleet(peers, (fleet) => measureIsolates(fleet, kind, plan.seconds)),
      ),
    ),
    Promise.all(
      (isWanted('bill') ? bills : []).map(({ kind, pattern }) =>
        inFleet(1, (fleet) => measureBill(fleet, kind, pattern, plan.minutes)),
      ),
    ),
  ])
}

try {
  const keys = await runKeys()
  const directories = await runDirectories()
  const [isolates, bill] = await runSlow()
  progress('done')
  const tables = scaleTables({ keys, directories, isolates, bill })
  for (const [part, table] of tables) {
    process.stdout.write(`\n${part}\n\n${table}\n`)
    if (options.write) await writeTable(table, part)
  }
} finally {
  upstream.stop()
}
