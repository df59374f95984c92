/**
 * The gateway as it ships, under the bare runtime, with the runtime's own `Ai` class behind `env.AI`: real in everything
 * but the other end of the wire, which is a local HTTP server.
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
  /** Of an `UpstreamServer`. */
  upstreamPort: number
  /** Over those that ship. */
  vars?: Record<string, string>
  /** Beside those that ship. */
  compatibilityFlags?: string[]
  /** What `buildUpload` wrote; without it the Worker is built first, which takes a second or two. */
  uploadPath?: string
  /** A KV of several gateways; without it this one gets its own. */
  kv?: KvServer
}

export interface IssuedKey {
  id: string
  secret: string
}

export interface RealBindingGateway extends WorkerdProcess {
  /** Of a key without limits. */
  secret: string
  issueKey(body?: Record<string, unknown>): Promise<IssuedKey>
  kv: KvServer
}

export async function startRealBindingGateway(options: RealBindingOptions): Promise<RealBindingGateway> {
  const { upstreamPort, vars = {}, compatibilityFlags = [], uploadPath } = options
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

/** With the admin token above. */
export async function postKey(url: string, body: Record<string, unknown>): Promise<IssuedKey> {
  const response = await fetch(`${url}/admin/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'test', ...body }),
  })
  if (response.status !== 201) throw new Error(`no key: ${await response.text()}`)
  return (await response.json()) as IssuedKey
}

/** What ships, wired to the local servers `upstream` and `kv`, with `vars` over the vars that ship. */
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
      throw new Error(`the binding ${name} is of a type that has no local stand-in: ${type}`)
  }
}
