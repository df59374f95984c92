/** Starts the gateway as `npm run dev` does, on a free port and with storage of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A first start on a slow machine, with the bundler's cache cold. */
const START_TIMEOUT_MS = 60_000

export interface OfflineGateway {
  /** Without `/v1`. */
  url: string
  /** The terminal's output so far. */
  output(): string
  /** How the process ended; undefined while it runs. */
  ended(): string | undefined
  pid: number | undefined
  stop(): Promise<void>
}

export interface OfflineOptions {
  extraArguments?: readonly string[]
  /** Returns false for an argument of the `dev` script to remove. */
  keeps?: (argument: string) => boolean
}

export async function startOfflineGateway(options: OfflineOptions = {}): Promise<OfflineGateway> {
  const { extraArguments = [], keeps = () => true } = options
  const persistTo = mkdtempSync(join(tmpdir(), 'gateway-'))
  const child = spawn(
    process.execPath,
    [
      ...devArguments().filter(keeps),
      '--port=0',
      '--inspector-port=0',
      `--persist-to=${persistTo}`,
      ...extraArguments,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' } },
  )
  let output = ''
  const collect = (chunk: Buffer): void => {
    output += chunk.toString()
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const stop = async (): Promise<void> => {
    await stopProcess(child)
    rmSync(persistTo, { recursive: true, force: true })
  }
  for (const deadlineMs = Date.now() + START_TIMEOUT_MS; ; await sleep(50)) {
    const url = /Ready on (http:\/\/\S+)/.exec(output)?.[1]
    if (url !== undefined)
      return {
        url: url.replace('localhost', '127.0.0.1'),
        output: () => output,
        ended: () => endOf(child),
        pid: child.pid,
        stop,
      }
    if (child.exitCode !== null || Date.now() > deadlineMs) {
      await stop()
      throw new Error(`the gateway did not start:\n${output}`)
    }
  }
}

/** The arguments of the `dev` script, so that a test starts what a user starts. */
function devArguments(): string[] {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { dev: string } }
  const [program, ...args] = scripts.dev.split(' ')
  if (program !== 'node') throw new Error(`the dev script does not begin with node: ${scripts.dev}`)
  return args
}

function endOf({ exitCode, signalCode }: ChildProcess): string | undefined {
  if (signalCode !== null) return `signal ${signalCode}`
  return exitCode === null ? undefined : `exit code ${exitCode}`
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (endOf(child) !== undefined) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const killer = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await exited
  clearTimeout(killer)
}
