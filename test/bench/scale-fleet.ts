/** Isolates of the counted gateway in one process, over KV and objects of their own, and what they have counted. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Limits } from '../../src/limits/limits.ts'
import { type KvOperation, type KvServer, startKvServer } from '../support/node/kv-server.ts'
import { buildUpload, type ProductionWorker, readUpload } from '../support/node/production-worker.ts'
import { ADMIN_TOKEN, bindingsOf } from '../support/node/real-binding-gateway.ts'
import { startWorkerd } from '../support/node/workerd-process.ts'
import { cpuMicros, residentMiB } from './process-cost.ts'
import type { CallCounts, Filling, NewKeys } from './scale-counts.ts'
import { heapMiB } from './scale-heap.ts'

/** Keys that are created at once. With more of them a busy machine would miss the time-outs of their publications. */
const KEYS_AT_ONCE = 20
/** The objects have done what follows from the requests once nothing was counted for this time, ms. */
const QUIET_MS = 750
const QUIET_MS_MAX = 30_000
const COPIES = 'key:'
/** A directory in memory, where there is one, so that no disk is measured. */
const MEMORY_DISK = '/dev/shm'

export interface Counts {
  /** `copies` are the writes of accounts, which publish their keys. `writes` are all others. */
  kv: Record<KvOperation | 'copies', number>
  objects: CallCounts
  /** CPU time of the process with all isolates and objects, µs. */
  cpuMicros: number
}

export interface IssuedSecret {
  id: string
  secret: string
}

export interface Fleet {
  /** The port of the isolate with the objects. */
  url: string
  /** The ports of the isolates that serve requests. */
  ports: number[]
  createKeys(count: number, limits: Limits): Promise<IssuedSecret[]>
  fillDirectory(filling: Filling): Promise<void>
  /** What was counted since the last time. */
  take(): Promise<Counts>
  /** Waits until all that follows from the requests is done. */
  takeQuiet(): Promise<Counts>
  residentMiB(): number
  /** Of the first isolate that serves requests, after a collection of garbage. */
  heapMiB(): Promise<number>
  stop(): Promise<void>
}

export async function buildCounted(): Promise<ProductionWorker> {
  const directory = mkdtempSync(join(tmpdir(), 'scale-'))
  try {
    const path = join(directory, 'upload')
    await buildUpload(path, 'test/bench/workers/counted.ts')
    return await readUpload(path)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** KV and the objects' storage, so that a fleet can go on where another one has stopped. */
export interface Store {
  kv: KvServer
  storagePath: string
  stop(): Promise<void>
}

export async function startStore(): Promise<Store> {
  const kv = await startKvServer()
  const storagePath = mkdtempSync(join(existsSync(MEMORY_DISK) ? MEMORY_DISK : tmpdir(), 'scale-'))
  return {
    kv,
    storagePath,
    async stop() {
      await kv.stop()
      rmSync(storagePath, { recursive: true, force: true })
    },
  }
}

export interface FleetOptions {
  worker: ProductionWorker
  upstreamPort: number
  /** The isolates that serve requests, beside the one with the objects. */
  peers: number
  vars?: Record<string, string>
}

export async function startFleet(
  { worker, upstreamPort, peers, vars = {} }: FleetOptions,
  { kv, storagePath }: Store,
): Promise<Fleet> {
  let operations = noOperations()
  kv.onOperation = (operation, key) => {
    operations[operation === 'writes' && key.startsWith(COPIES) ? 'copies' : operation] += 1
  }
  const process = await startWorkerd({
    ...worker,
    bindings: bindingsOf(worker, { ADMIN_TOKEN, ...vars }),
    externals: { upstream: upstreamPort, kv: kv.port },
    storagePath,
    peers,
    inspects: true,
  })
  let spentMicros = cpuMicros(process.pid)

  async function post<Answer>(path: string, body: object): Promise<Answer> {
    const ask = () => fetch(process.url + path, { method: 'POST', body: JSON.stringify(body) })
    // The runtime closes an idle connection, which can reset a request that is on its way.
    const response = await ask().catch(ask)
    if (!response.ok) throw new Error(`${path}: ${response.status}: ${await response.text()}`)
    return (await response.json()) as Answer
  }

  async function take(): Promise<Counts> {
    const objects = await post<CallCounts>('/bench/counts', {})
    const [kvBefore, spentBefore] = [operations, spentMicros]
    operations = noOperations()
    spentMicros = cpuMicros(process.pid)
    return { kv: kvBefore, objects, cpuMicros: spentMicros - spentBefore }
  }

  return {
    url: process.url,
    ports: process.peerPorts,
    async createKeys(count, limits) {
      const keys: IssuedSecret[] = []
      while (keys.length < count) {
        const asked: NewKeys = { count: Math.min(KEYS_AT_ONCE, count - keys.length), limits }
        keys.push(...(await post<IssuedSecret[]>('/bench/keys', asked)))
      }
      return keys
    },
    fillDirectory: (filling) => post('/bench/fill', filling),
    take,
    async takeQuiet() {
      let sum = await take()
      for (let waitedMs = 0; waitedMs < QUIET_MS_MAX; waitedMs += QUIET_MS) {
        await sleep(QUIET_MS)
        const more = await take()
        sum = sumOfCounts(sum, more)
        if (Object.keys(more.objects).length === 0) break
      }
      return sum
    },
    residentMiB: () => residentMiB(process.pid),
    heapMiB: () => heapMiB(process.inspectorPort ?? 0, 'peer-1', process.peerPorts[0] ?? 0),
    stop: () => process.stop(),
  }
}

function noOperations(): Counts['kv'] {
  return { copies: 0, reads: 0, writes: 0, deletes: 0, lists: 0 }
}

export function sumOfCounts(a: Counts, b: Counts): Counts {
  const objects: CallCounts = { ...a.objects }
  for (const [name, count] of Object.entries(b.objects)) {
    const known = objects[name]
    objects[name] = known === undefined ? count : sumOfFields(known, count)
  }
  return { kv: sumOfFields(a.kv, b.kv), objects, cpuMicros: a.cpuMicros + b.cpuMicros }
}

function sumOfFields<Fields extends { [Name in keyof Fields]: number }>(a: Fields, b: Fields): Fields {
  const sum = { ...a }
  for (const name of Object.keys(b) as (keyof Fields)[])
    sum[name] = (a[name] + b[name]) as Fields[typeof name]
  return sum
}

export interface ObjectSum {
  calls: number
  wallMs: number
  rowsRead: number
  rowsWritten: number
}

/** What the methods took whose name begins with `prefix`. */
export function sumOfObjects({ objects }: Counts, prefix = ''): ObjectSum {
  return Object.entries(objects)
    .filter(([name]) => name.startsWith(prefix))
    .map(([, count]) => count)
    .reduce<ObjectSum>(
      (sum, { calls, wallMs, rowsRead, rowsWritten }) =>
        sumOfFields(sum, { calls, wallMs, rowsRead, rowsWritten }),
      { calls: 0, wallMs: 0, rowsRead: 0, rowsWritten: 0 },
    )
}
