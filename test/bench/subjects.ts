/** The Workers that the bench compares: the gateway in each metering mode, and the Workers that it is compared with. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKvServer } from '../support/node/kv-server.ts'
import { buildUpload, type ProductionWorker, readUpload } from '../support/node/production-worker.ts'
import { ADMIN_TOKEN, bindingsOf, postKey } from '../support/node/real-binding-gateway.ts'
import { startWorkerd } from '../support/node/workerd-process.ts'

/**
 * `gateway` is the built Worker with its default `METER_STREAMS`; `never` and `always` set that var. `skeleton` and
 * `skeleton-always` are described in `workers/skeleton.ts`, the others in the file of their name in `workers/`.
 */
export type SubjectName =
  | 'empty'
  | 'bare'
  | 'skeleton'
  | 'skeleton-always'
  | 'gateway'
  | 'never'
  | 'always'
  | 'naive'

/** The entry file in `workers/`. A subject without an entry is the gateway. */
const ENTRIES: Partial<Record<SubjectName, string>> = {
  empty: 'empty.ts',
  bare: 'bare.ts',
  skeleton: 'skeleton.ts',
  'skeleton-always': 'skeleton.ts',
  naive: 'naive.ts',
}

const VARS: Partial<Record<SubjectName, Record<string, string>>> = {
  'skeleton-always': { METER_STREAMS: 'always' },
  never: { METER_STREAMS: 'never' },
  always: { METER_STREAMS: 'always' },
}

/** The limit of the key: every request is counted, and none is refused. */
const REQUESTS_PER_MINUTE = 1_000_000_000

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
  if (ENTRIES[name] === undefined) {
    const { secret } = await postKey(url, { limits: { requestsPerMinute: REQUESTS_PER_MINUTE } })
    return secret
  }
  const secret = 'secret-of-the-naive-gateway'
  await fetch(`http://127.0.0.1:${kvPort}/naive-key:${secret}`, { method: 'PUT', body: 'alice' })
  return secret
}
