/** Runs the bare runtime with its own configuration on a free port. It ends with this process. */
import { spawn } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { WorkerModule } from './production-worker.ts'

export interface WorkerdOptions {
  modules: WorkerModule[]
  compatibilityDate: string
  compatibilityFlags: string[]
  /** Text of `Workerd.Worker.Binding`s, each in parentheses; see `capnpText`. */
  bindings: string[]
  /** The port of the local HTTP server behind each service, by the service's name. */
  externals: Record<string, number>
  /** Whether the Worker's own calls reach servers on this machine. By default they reach public addresses alone. */
  reachesThisMachine?: boolean
  /** Exported classes of Durable Objects. Their storage is SQLite on disk, and `stop` deletes it. */
  objectClasses?: string[]
  /** A directory for that storage, which then outlives the process. By default the storage is deleted by `stop`. */
  storagePath?: string
  /** Further isolates of the same Worker, which call the objects of the first. Default 0. */
  peers?: number
  /** Whether the heaps of isolates can be read: `inspectorPort`. Default false. */
  inspects?: boolean
}

export interface WorkerdProcess {
  url: string
  port: number
  /** The ports of the further isolates. */
  peerPorts: number[]
  /** The port of V8's inspector; `undefined` where it does not run. */
  inspectorPort: number | undefined
  /** The runtime's own process, so that its CPU time and memory can be read. */
  pid: number
  /** The output of the Worker and the runtime so far. */
  output(): string
  /** Resolves with the first match of `pattern` in the output. */
  printed(pattern: RegExp): Promise<string>
  /** All that Durable Objects have stored, as the bytes stand on the disk. */
  storage(): string
  stop(): Promise<void>
}

/**
 * The shell between both processes reads until this process closes its end. A killed process closes it too, so that no
 * runtime outlives its test. The shell writes the runtime's pid to descriptor 4; the runtime writes its port to descriptor 3.
 */
const UNDER_SHELL = '"$@" 4>&- <&- & exec 3>&-; echo $! >&4; read -r _; kill -9 $!'

/** @throws Error with the runtime's output if it does not start. */
export async function startWorkerd(options: WorkerdOptions): Promise<WorkerdProcess> {
  const directory = mkdtempSync(join(tmpdir(), 'workerd-'))
  const configPath = join(directory, 'config.capnp')
  const storagePath = options.storagePath ?? mkdtempSync(join(tmpdir(), 'workerd-objects-'))
  options.modules.forEach(({ bytes }, index) => writeFileSync(join(directory, `module-${index}`), bytes))
  writeFileSync(configPath, configText(options, storagePath))

  const { default: workerdPath } = createRequire(import.meta.url)('workerd') as { default: string }
  const inspector = options.inspects === true ? ['--inspector-addr=127.0.0.1:0'] : []
  const command = [workerdPath, 'serve', '--control-fd=3', ...inspector, configPath]
  const child = spawn('sh', ['-c', UNDER_SHELL, 'sh', ...command], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
  })
  const [stdin, stdout, stderr, control, pidPipe] = child.stdio
  const exited = new Promise((resolve) => child.once('exit', resolve))
  const printed = collectOutput([stdout, stderr])
  const stop = async (): Promise<void> => {
    stdin.end()
    await exited
    if (options.storagePath === undefined) rmSync(storagePath, { recursive: true, force: true })
  }
  const [pid, listening] = await Promise.all([
    firstLines(pidPipe as Readable, 1),
    // If the runtime ends first, the pipe ends without these lines.
    firstLines(control as Readable, 1 + (options.peers ?? 0) + inspector.length),
  ])
  rmSync(directory, { recursive: true })
  if (pid === null || listening === null) {
    await stop()
    throw new Error(`workerd did not start:\n${printed.text()}`)
  }
  const heard = listening.map((line) => JSON.parse(line) as { socket?: string; port: number })
  const portOf = (socket?: string): number | undefined => heard.find((each) => each.socket === socket)?.port
  const port = portOf('http') ?? NaN
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    peerPorts: peerNames(options).map((name) => portOf(name) ?? NaN),
    inspectorPort: portOf(),
    pid: Number(pid[0]),
    output: () => printed.text(),
    printed: (pattern) => printed.match(pattern),
    storage: () =>
      globSync('**/*.sqlite*', { cwd: storagePath })
        .map((path) => readFileSync(join(storagePath, path), 'latin1'))
        .join('\n'),
    stop,
  }
}

/** The runtime's own `Ai` class over a service of `externals`. */
export function aiBinding(name: string, service: string): string {
  const fetcher = `(name = "fetcher", service = ${capnpText(service)})`
  return `(name = ${capnpText(name)}, wrapped = (moduleName = "cloudflare-internal:ai-api", innerBindings = [${fetcher}]))`
}

/** A string in Cap'n Proto's text format, which escapes as C does. */
export function capnpText(text: string): string {
  const escaped = text.replaceAll(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')
  return `"${escaped}"`
}

function configText(options: WorkerdOptions, storagePath: string): string {
  const modules = options.modules.map(
    ({ name, type }, index) => `(name = ${capnpText(name)}, ${type} = embed "module-${index}")`,
  )
  const externals = Object.entries(options.externals).map(
    ([name, port]) => `(name = ${capnpText(name)}, external = (address = "127.0.0.1:${port}", http = ()))`,
  )
  const namespaces = (options.objectClasses ?? []).map(
    (name) => `(className = ${capnpText(name)}, uniqueKey = ${capnpText(name)}, enableSql = true)`,
  )
  const worker = (bindings: string[]): string => `modules = [${modules.join(', ')}],
      compatibilityDate = ${capnpText(options.compatibilityDate)},
      compatibilityFlags = [${options.compatibilityFlags.map(capnpText).join(', ')}],
      bindings = [${bindings.join(', ')}],`
  const peers = peerNames(options)
  const peerBindings = options.bindings.map((binding) =>
    binding.replace(
      /durableObjectNamespace = (".*")/,
      'durableObjectNamespace = (className = $1, serviceName = "main")',
    ),
  )
  const sockets = [['http', 'main'], ...peers.map((name) => [name, name])].map(
    ([name, service]) => `(name = "${name}", address = "127.0.0.1:0", http = (), service = "${service}")`,
  )
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      ${worker(options.bindings)}
      durableObjectNamespaces = [${namespaces.join(', ')}],
      durableObjectStorage = (localDisk = "objects"),
    )),
    ${peers.map((name) => `(name = "${name}", worker = (${worker(peerBindings)})),`).join('\n    ')}
    ${options.reachesThisMachine === true ? '(name = "internet", network = (allow = ["public", "private"])),' : ''}
    (name = "objects", disk = (path = ${capnpText(storagePath)}, writable = true)),
    ${externals.join(',\n    ')}
  ],
  sockets = [${sockets.join(', ')}],
);
`
}

/** Names of services and of their sockets. */
function peerNames({ peers = 0 }: WorkerdOptions): string[] {
  return Array.from({ length: peers }, (_, at) => `peer-${at + 1}`)
}

function collectOutput(streams: Readable[]): { text(): string; match(pattern: RegExp): Promise<string> } {
  let text = ''
  const watchers = new Set<() => void>()
  for (const stream of streams) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      for (const watch of watchers) watch()
    })
  }
  return {
    text: () => text,
    match: (pattern) =>
      new Promise((resolve) => {
        const watch = (): void => {
          const found = pattern.exec(text)
          if (found === null) return
          watchers.delete(watch)
          resolve(found[0])
        }
        watchers.add(watch)
        watch()
      }),
  }
}

/** `null` where the pipe closes before the lines are whole. */
function firstLines(pipe: Readable, count: number): Promise<string[] | null> {
  return new Promise((resolve) => {
    let text = ''
    pipe.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      const lines = text.split('\n')
      if (lines.length > count) resolve(lines.slice(0, count))
    })
    pipe.once('close', () => resolve(null))
  })
}
