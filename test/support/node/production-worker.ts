/** The Worker exactly as `npm run deploy` would upload it: `wrangler deploy --dry-run` writes the upload to a file. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../..', import.meta.url))

export interface ProductionWorker {
  /** The first module is the entry. */
  modules: WorkerModule[]
  bindings: WorkerBinding[]
  /** Classes of the Durable Objects that the Worker binds. */
  objectClasses: string[]
  compatibilityDate: string
  compatibilityFlags: string[]
}

export interface WorkerModule {
  name: string
  type: 'esModule' | 'text' | 'data' | 'wasm'
  bytes: Uint8Array
}

/** A KV namespace without an id is of type `inherit` in an upload. */
export interface WorkerBinding {
  name: string
  type: string
  text?: string
  json?: unknown
  class_name?: string
}

/**
 * A build takes a second or two, so a test run builds once and shares the file's path. `entryPath`, from the project's root,
 * builds another entry than the shipped one with the same options, flags and bindings.
 */
export async function buildUpload(uploadPath: string, entryPath?: string): Promise<void> {
  const wrangler = join(root, 'node_modules/wrangler/bin/wrangler.js')
  const entry = entryPath === undefined ? [] : [entryPath]
  const options = ['deploy', ...entry, '--dry-run', '--env=', '--outfile', uploadPath]
  const env = { ...process.env, NO_COLOR: '1', WRANGLER_SEND_METRICS: 'false' }
  await run(process.execPath, [wrangler, ...options], { cwd: root, env })
}

export async function readUpload(uploadPath: string): Promise<ProductionWorker> {
  const bytes = await readFile(uploadPath)
  const boundary = bytes.subarray(2, bytes.indexOf('\r\n')).toString()
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` }
  const form = await new Response(bytes, { headers }).formData()
  const parts = [...form].flatMap(([name, part]) => (part instanceof File ? [{ name, part }] : []))
  const metadata = JSON.parse(form.get('metadata') as string) as Metadata
  const modules = await Promise.all(
    parts
      .filter(({ part }) => part.type !== 'application/source-map')
      .toSorted((a, b) => Number(b.name === metadata.main_module) - Number(a.name === metadata.main_module))
      .map(async ({ name, part }) => ({
        name,
        type: moduleType(part.type),
        bytes: new Uint8Array(await part.arrayBuffer()),
      })),
  )
  return {
    modules,
    bindings: metadata.bindings,
    objectClasses: metadata.bindings.flatMap(({ class_name: name }) => name ?? []),
    compatibilityDate: metadata.compatibility_date,
    compatibilityFlags: metadata.compatibility_flags,
  }
}

/** Builds the Worker and reads the result. */
export async function buildProductionWorker(): Promise<ProductionWorker> {
  const directory = await mkdtemp(join(tmpdir(), 'upload-'))
  try {
    const uploadPath = join(directory, 'upload')
    await buildUpload(uploadPath)
    return await readUpload(uploadPath)
  } finally {
    await rm(directory, { recursive: true })
  }
}

interface Metadata {
  main_module: string
  bindings: WorkerBinding[]
  compatibility_date: string
  compatibility_flags: string[]
}

function moduleType(mediaType: string): WorkerModule['type'] {
  switch (mediaType) {
    case 'application/javascript+module':
      return 'esModule'
    case 'text/plain':
      return 'text'
    case 'application/octet-stream':
      return 'data'
    case 'application/wasm':
      return 'wasm'
    default:
      throw new Error(`a module of an unknown type: ${mediaType}`)
  }
}
