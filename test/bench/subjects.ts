/** The Workers that the bench compares: the gateway in each metering mode, and the Workers that it is compared with. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKvServer } from '../support/node/kv-server.ts'
import { buildUpload, type ProductionWorker, readUpload } from '../support/node/production-worker.ts'
import { ADMIN_TOKEN, bindingsOf, postKey } from '../support/node/real-binding-gateway.ts'
import { RESPONSES_SLUG } from './prepared.ts'
import { startWorkerd } from '../support/node/workerd-process.ts'

/**
 * `gateway` is the built Worker with its default `METER_STREAMS`; `never` and `always` set that var. `skeleton` and
 * `skeleton-always` are described in `workers/skeleton.ts`. `unlimited`, `day-limit` and `budget` are the gateway with keys of
 * these limits. `translated` and `translated-always` are `gateway` and `always` with a model that takes only Responses. The others are in the file of their name in `workers/`.
 */
export type SubjectName =
  | 'empty'
  | 'bare'
  | 'skeleton'
  | 'skeleton-always'
  | 'gateway'
  | 'never'
  | 'always'
  | 'translated'
  | 'translated-always'
  | 'unlimited'
  | 'unsettled'
  | 'day-limit'
  | 'budget'
  | 'naive'

/** The entry file in `workers/`. A subject without an entry is the gateway. */
const ENTRIES: Partial<Record<SubjectName, string>> = {
  empty: 'empty.ts',
  bare: 'bare.ts',
  skeleton: 'skeleton.ts',
  'skeleton-always': 'skeleton.ts',
  unsettled: 'unsettled.ts',
  naive: 'naive.ts',
}

/** The limits of a subject's key: every request is counted, and none is refused. Other subjects know no such keys. */
const LIMITS: Partial<Record<SubjectName, object>> = {
  gateway: { requestsPerMinute: 1_000_000_000 },
  never: { requestsPerMinute: 1_000_000_000 },
  always: { requestsPerMinute: 1_000_000_000 },
  translated: { requestsPerMinute: 1_000_000_000 },
  'translated-always': { requestsPerMinute: 1_000_000_000 },
  unsettled: { requestsPerMinute: 1_000_000_000 },
  unlimited: {},
  'day-limit': { requestsPerDay: 1_000_000_000 },
  budget: { budget: { usd: 1_000_000, period: 'day' } },
}

const MODELS = JSON.stringify({ 'o3-mini': RESPONSES_SLUG })

const VARS: Partial<Record<SubjectName, Record<string, string>>> = {
  'skeleton-always': { METER_STREAMS: 'always' },
  never: { METER_STREAMS: 'never' },
  always: { METER_STREAMS: 'always' },
  translated: { MODELS },
  'translated-always': { MODELS, METER_STREAMS: 'always' },
}

export interface Subject {
  name: SubjectName
  port: number
  pid: number
  /** The secret of a key with a request limit. */
  secret: string
  stop(): Promise<void>
}

export interface Subjects {
  /** The built gateway. */
  worker: ProductionWorker
  /** Starts a subject in a runtime process of its own. Without `secret` a new key is created. */
  start(name: SubjectName, secret?: string): Promise<Subject>
  stop(): Promise<void>
}

/** Builds all Workers, which takes some seconds. */
export async function prepareSubjects(upstreamPort: number): Promise<Subjects> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-'))
  const entries = [...new Set(Object.values(ENTRIES))]
  const build = async (entry?: string): Promise<ProductionWorker> => {
    const uploadPath = join(directory, entry ?? 'gateway')
    await buildUpload(uploadPath, entry && `test/bench/workers/${entry}`)
    return readUpload(uploadPath)
  }
  const [worker, ...built] = await Promise.all([build(), ...entries.map(build)])
  await rm(directory, { recursive: true })
  const kv = await startKvServer()

  return {
    worker,
    async start(name, known) {
      const own = built[entries.indexOf(ENTRIES[name] ?? '')] ?? worker
      const process = await startWorkerd({
        ...own,
        bindings: bindingsOf(own, { ADMIN_TOKEN, ...VARS[name] }),
        externals: { upstream: upstreamPort, kv: kv.port },
      })
      const secret = known ?? (await secretFor(name, process.url, kv.port))
      const { port, pid } = process
      return { name, port, pid, secret, stop: () => process.stop() }
    },
    stop: () => kv.stop(),
  }
}

async function secretFor(name: SubjectName, url: string, kvPort: number): Promise<string> {
  const limits = LIMITS[name]
  if (limits !== undefined) return (await postKey(url, { limits })).secret
  const secret = 'secret-of-the-naive-gateway'
  await fetch(`http://127.0.0.1:${kvPort}/naive-key:${secret}`, { method: 'PUT', body: 'alice' })
  return secret
}
