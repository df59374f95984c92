/**
 * Workers KV as a local HTTP server, in memory. It speaks the protocol of the runtime's own `KVNamespace` class, so that a
 * bare workerd has KV and spends no CPU time on storage. It keeps KV's documented bounds and expiry. It is strongly
 * consistent, and KV is not. Several gateways can share one server as a fleet.
 *
 * Source of the protocol: `src/workerd/api/kv.c++` in cloudflare/workerd, and Miniflare's KV.
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { headerOf } from './upstream-answer.ts'

/** https://developers.cloudflare.com/kv/platform/limits/ */
const KEY_BYTES_MAX = 512
const METADATA_BYTES_MAX = 1024
const CACHE_TTL_SECONDS_MIN = 30
const EXPIRATION_TTL_SECONDS_MIN = 60
const LIST_KEYS_MAX = 1000
const BULK_KEYS_MAX = 100
/** The runtime closes an idle connection after 5 s. A server that closed it in the same moment would reset an operation. */
const KEEP_ALIVE_MS = 60_000

export interface KvServer {
  port: number
  /** The stored entries by key. */
  entries: ReadonlyMap<string, KvEntry>
  /** Runs before each operation on one key, and before each list, with its prefix. */
  onOperation: (operation: KvOperation, key: string) => void
  /** Runs before each write. If it returns true, the write fails with 500. Default false. */
  failsWrite: () => boolean
  stop(): Promise<void>
}

export type KvOperation = 'reads' | 'writes' | 'deletes' | 'lists'

export interface KvEntry {
  value: Buffer
  /** JSON */
  metadata: string | null
  /** Unix seconds. */
  expiration: number | null
}

interface Reply {
  status: number
  /** The class puts the reason phrase in the error that it throws. */
  reason?: string
  headers?: Record<string, string>
  body?: Buffer | string
}

const FAILED: Reply = { status: 500, reason: 'Internal Server Error' }

export async function startKvServer(): Promise<KvServer> {
  const entries = new Map<string, KvEntry>()
  const kv: Pick<KvServer, 'failsWrite' | 'onOperation'> = {
    failsWrite: () => false,
    onOperation: () => undefined,
  }
  const server = createServer({ noDelay: true, keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const reply = async (): Promise<void> => {
      kv.onOperation(...operationOf(request))
      const isFailing = request.method === 'PUT' && kv.failsWrite()
      const { status, reason, headers = {}, body = '' } = isFailing ? FAILED : await answer(entries, request)
      response.writeHead(status, reason, { 'content-length': Buffer.byteLength(body), ...headers }).end(body)
    }
    reply().catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(kv, {
    port: (server.address() as AddressInfo).port,
    entries,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  })
}

function operationOf({ method, url = '/' }: IncomingMessage): [KvOperation, string] {
  const { pathname, searchParams } = new URL(url, 'http://kv.invalid')
  const key = decodeURIComponent(pathname.slice(1))
  if (key === '') return ['lists', searchParams.get('prefix') ?? '']
  return [method === 'PUT' ? 'writes' : method === 'DELETE' ? 'deletes' : 'reads', key]
}

async function answer(entries: Map<string, KvEntry>, request: IncomingMessage): Promise<Reply> {
  const url = new URL(request.url ?? '/', 'http://kv.invalid')
  const body = await bytesOf(request)
  const key = decodeURIComponent(url.pathname.slice(1))
  if (Buffer.byteLength(key) > KEY_BYTES_MAX) return refusal(414, `key above ${KEY_BYTES_MAX} bytes`)
  if (key === '') return list(entries, url.searchParams)
  switch (request.method) {
    case 'PUT':
      return put(entries, key, body, url.searchParams, headerOf(request.headers, 'cf-kv-metadata'))
    case 'DELETE':
      entries.delete(key)
      return { status: 200 }
    case 'POST':
      return getMany(entries, JSON.parse(body.toString()) as ManyKeys)
    case undefined:
    default:
      return get(entries, key, url.searchParams)
  }
}

function get(entries: Map<string, KvEntry>, key: string, query: URLSearchParams): Reply {
  const cacheTtl = numberOf(query, 'cache_ttl')
  if (cacheTtl !== null && cacheTtl < CACHE_TTL_SECONDS_MIN) return refusal(400, 'cache_ttl below 30')
  const entry = livingEntry(entries, key)
  if (entry === null) return refusal(404, 'Not Found')
  return {
    status: 200,
    headers: {
      ...(entry.expiration === null ? {} : { 'CF-Expiration': `${entry.expiration}` }),
      ...(entry.metadata === null ? {} : { 'CF-KV-Metadata': toHeader(entry.metadata) }),
    },
    body: entry.value,
  }
}

interface ManyKeys {
  keys: string[]
  type?: 'text' | 'json'
  withMetadata?: boolean
}

function getMany(entries: Map<string, KvEntry>, { keys, type, withMetadata }: ManyKeys): Reply {
  if (keys.length > BULK_KEYS_MAX) return refusal(400, `more than ${BULK_KEYS_MAX} keys`)
  const found = keys.map((key): [string, unknown] => {
    const entry = livingEntry(entries, key)
    if (entry === null) return [key, null]
    const value: unknown = type === 'json' ? JSON.parse(entry.value.toString()) : entry.value.toString()
    if (withMetadata !== true) return [key, value]
    return [key, { value, metadata: entry.metadata === null ? null : JSON.parse(entry.metadata) }]
  })
  return { status: 200, body: JSON.stringify(Object.fromEntries(found)) }
}

function put(
  entries: Map<string, KvEntry>,
  key: string,
  value: Buffer,
  query: URLSearchParams,
  header: string | null,
): Reply {
  const nowSeconds = Math.floor(Date.now() / 1000)
  const ttl = numberOf(query, 'expiration_ttl')
  const expiration = ttl === null ? numberOf(query, 'expiration') : nowSeconds + ttl
  if (expiration !== null && expiration < nowSeconds + EXPIRATION_TTL_SECONDS_MIN) {
    return refusal(400, `expires in less than ${EXPIRATION_TTL_SECONDS_MIN} s`)
  }
  const metadata = header === null ? null : fromHeader(header)
  if (metadata !== null && Buffer.byteLength(metadata) > METADATA_BYTES_MAX) {
    return refusal(413, `metadata above ${METADATA_BYTES_MAX} bytes`)
  }
  entries.set(key, { value, metadata, expiration })
  return { status: 200 }
}

function list(entries: Map<string, KvEntry>, query: URLSearchParams): Reply {
  const limit = numberOf(query, 'key_count_limit') ?? LIST_KEYS_MAX
  if (limit < 1 || limit > LIST_KEYS_MAX) return refusal(400, `limit not from 1 to ${LIST_KEYS_MAX}`)
  const prefix = query.get('prefix') ?? ''
  const after = Buffer.from(query.get('cursor') ?? '', 'base64url')
  const names = [...entries.keys()]
    .filter((name) => name.startsWith(prefix) && livingEntry(entries, name) !== null)
    .map((name) => Buffer.from(name))
    .filter((name) => Buffer.compare(name, after) > 0)
    .toSorted((a, b) => Buffer.compare(a, b))
  const page = names.slice(0, limit)
  const keys = page.map(String).map((name) => {
    const { expiration = null, metadata = null } = entries.get(name) ?? {}
    return {
      name,
      ...(expiration === null ? {} : { expiration }),
      ...(metadata === null ? {} : { metadata }),
    }
  })
  const cursor = page.length < names.length ? page.at(-1)?.toString('base64url') : undefined
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ keys, list_complete: cursor === undefined, cursor, cacheStatus: null }),
  }
}

function livingEntry(entries: Map<string, KvEntry>, key: string): KvEntry | null {
  const entry = entries.get(key)
  if (entry === undefined) return null
  if (entry.expiration === null || entry.expiration * 1000 > Date.now()) return entry
  entries.delete(key)
  return null
}

function refusal(status: number, reason: string): Reply {
  return { status, reason, body: reason }
}

function numberOf(query: URLSearchParams, name: string): number | null {
  const text = query.get(name)
  return text === null ? null : Number(text)
}

/** The class writes UTF-8 into the header, which Node reads and writes as Latin-1. */
function fromHeader(text: string): string {
  return Buffer.from(text, 'latin1').toString()
}

function toHeader(text: string): string {
  return Buffer.from(text).toString('latin1')
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
