/** Runs this machine's Prometheus with a configuration, and asks it over its HTTP API. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram } from './program.ts'

const START_TIMEOUT_MS = 30_000

const prometheusPath = findProgram('prometheus')

/** Whether this machine has no Prometheus. Its tests are then skipped, and the terminal says so. */
export const hasNoPrometheus = prometheusPath === null
if (hasNoPrometheus) {
  if (process.env['CI'] === 'true') throw new Error('Prometheus is not on the PATH')
  process.stderr.write('The test with Prometheus is skipped: it is not on the PATH.\n')
}

export interface Result {
  metric: Record<string, string>
  value: [atSeconds: number, value: string]
}

export interface Prometheus {
  /** The series that an expression selects now. @throws Error with what Prometheus says of it. */
  query(expression: string): Promise<Result[]>
  /** What it found at each target. */
  targets(): Promise<{ health: string; lastError: string; scrapePool: string }[]>
  /** The type and unit of each family. */
  metadata(): Promise<Record<string, { type: string; unit: string }[]>>
  output(): string
  stop(): Promise<void>
}

export async function startPrometheus(config: string): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-'))
  writeFileSync(join(folder, 'prometheus.yml'), config)
  const child = spawn(
    prometheusPath ?? '',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const exited = new Promise((resolve) => child.once('exit', resolve))
  let output = ''
  const { promise: listening, resolve } = Promise.withResolvers<string>()
  const collect = (chunk: Buffer): void => {
    output += chunk.toString()
    const address = /address="?(127\.0\.0\.1:[1-9]\d*)/.exec(output)?.[1]
    if (address !== undefined) resolve(`http://${address}`)
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
    rmSync(folder, { recursive: true, force: true })
  }
  const url = await Promise.race([
    listening,
    exited,
    new Promise((timedOut) => setTimeout(timedOut, START_TIMEOUT_MS).unref()),
  ])
  if (typeof url !== 'string') {
    await stop()
    throw new Error(`Prometheus did not start:\n${output}`)
  }
  return {
    query: async (expression) => {
      const path = `/api/v1/query?query=${encodeURIComponent(expression)}`
      return (await ask<{ result: Result[] }>(url, path)).result
    },
    targets: async () =>
      (
        await ask<{ activeTargets: Awaited<ReturnType<Prometheus['targets']>> }>(
          url,
          '/api/v1/targets?state=active',
        )
      ).activeTargets,
    metadata: () => ask(url, '/api/v1/metadata'),
    output: () => output,
    stop,
  }
}

async function ask<Data>(url: string, path: string): Promise<Data> {
  const answer = (await (await fetch(url + path)).json()) as { status: string; error?: string; data: Data }
  if (answer.status !== 'success') throw new Error(answer.error)
  return answer.data
}
