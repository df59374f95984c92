/**
 * Runs the production build under the bare runtime, with the runtime's own `Ai` class behind `env.AI`. Only the far end of
 * the wire is a stand-in: a local HTTP server.
 */
import { type KvServer, startKvServer } from './kv-server.ts'
import {
  buildProductionWorker,
  type ProductionWorker,
  readUpload,
  type WorkerBinding,
} from './production-worker.ts'
import { aiBinding, capnpText, startWorkerd, type WorkerdProcess } from './workerd-process.ts'

export const ADMIN_TOKEN = 'admin-token-of-a-test-and-of-nothing-else'

export interface RealBindingOptions {
  /** The port of an `UpstreamServer`. */
  upstreamPort: number
  /** Vars that override the production vars. */
  vars?: Record<string, string>
  /** Flags in addition to the production flags. */
  compatibilityFlags?: string[]
  /** Whether the gateway's own calls reach servers on this machine. */
  reachesThisMachine?: boolean
  /** The output of `buildUpload`. Without it the Worker is built first, which takes one or two seconds. */
  uploadPath?: string
  /** A KV shared by several gateways. By default the gateway gets its own. */
  kv?: KvServer
  /** The directory of the objects' storage, so that another gateway can go on with it. By default it is deleted at the end. */
  storagePath?: string
}

export interface IssuedKey {
  id: string
  secret: string
}

export interface RealBindingGateway extends WorkerdProcess {
  /** The secret of a key without limits. */
  secret: string
  issueKey(body?: Record<string, unknown>): Promise<IssuedKey>
  kv: KvServer
}

export async function startRealBindingGateway(options: RealBindingOptions): Promise<RealBindingGateway> {
  const { upstreamPort, vars = {}, compatibilityFlags = [], uploadPath, reachesThisMachine = false } = options
  const worker = await (uploadPath === undefined ? buildProductionWorker() : readUpload(uploadPath))
  const kv = options.kv ?? (await startKvServer())
  const stopKv = async (): Promise<void> => {
    if (options.kv === undefined) await kv.stop()
  }
  let process: WorkerdProcess
  try {
    process = await startWorkerd({
      ...worker,
      compatibilityFlags: [...worker.compatibilityFlags, ...compatibilityFlags],
      bindings: bindingsOf(worker, { ADMIN_TOKEN, ...vars }),
      externals: { upstream: upstreamPort, kv: kv.port },
      reachesThisMachine,
      ...(options.storagePath === undefined ? {} : { storagePath: options.storagePath }),
    })
  } catch (error) {
    await stopKv()
    throw error
  }
  const stop = async (): Promise<void> => {
    await process.stop()
    await stopKv()
  }
  const issueKey = (body: Record<string, unknown> = {}) => postKey(process.url, body)
  try {
    const { secret } = await issueKey()
    return { ...process, kv, secret, issueKey, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Creates a key with the admin token above. */
export async function postKey(url: string, body: Record<string, unknown>): Promise<IssuedKey> {
  const response = await fetch(`${url}/admin/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'test', ...body }),
  })
  if (response.status !== 201) throw new Error(`the gateway created no key: ${await response.text()}`)
  return (await response.json()) as IssuedKey
}

/** Wires the production bindings to the local servers `upstream` and `kv`, and applies `vars` to the production vars. */
export function bindingsOf({ bindings }: ProductionWorker, vars: Record<string, string>): string[] {
  return [
    ...bindings.filter(({ name }) => !Object.hasOwn(vars, name)).map(bindingText),
    ...Object.entries(vars).map(([name, text]) => bindingText({ name, type: 'plain_text', text })),
  ]
}

function bindingText({ name, type, text, json, class_name: className }: WorkerBinding): string {
  const named = `name = ${capnpText(name)}`
  switch (type) {
    case 'ai':
      return aiBinding(name, 'upstream')
    case 'inherit':
    case 'kv_namespace':
      return `(${named}, kvNamespace = "kv")`
    case 'durable_object_namespace':
      return `(${named}, durableObjectNamespace = ${capnpText(className ?? '')})`
    case 'plain_text':
      return `(${named}, text = ${capnpText(text ?? '')})`
    case 'json':
      return `(${named}, json = ${capnpText(JSON.stringify(json))})`
    default:
      throw new Error(`the binding ${name} has a type without a local stand-in: ${type}`)
  }
}
