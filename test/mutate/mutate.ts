/**
 * `npm run mutate [words]` takes the gateway's guards away, one at a time, and runs the tests that must then fail. The words
 * choose the mutations whose guard contains one of them. It changes a temporary copy of the project only.
 *
 * It fails on a survivor, on a text that does not occur exactly once, and on named tests that fail without a mutation.
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Mutation } from './mutation.ts'
import { MUTATIONS } from './mutations.ts'

/** A run with a mutation that takes longer hangs, ms. It says nothing then, since a busy machine is slow too. */
const MUTATED_MS_MAX = 300_000
/** The same for all named tests together, without a mutation. */
const UNCHANGED_MS_MAX = 600_000
/** The parts of the project that its tests need. */
const PARTS = ['src', 'test', 'package.json', 'tsconfig.json', 'wrangler.toml', '.env.offline']

/** `broken`: no test has failed or passed, so the run says nothing. */
type Outcome = 'passed' | 'failed' | 'broken'

const root = fileURLToPath(new URL('../..', import.meta.url))
const words = process.argv.slice(2)
const chosen = MUTATIONS.filter(
  ({ guard }) => words.length === 0 || words.some((word) => guard.includes(word)),
)
const copy = mkdtempSync(join(tmpdir(), 'mutate-'))
const problems: string[] = []
try {
  for (const part of PARTS) cpSync(join(root, part), join(copy, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  for (const mutation of chosen) {
    const count = sourceOf(mutation).split(mutation.text).length - 1
    if (count !== 1) problems.push(`${mutation.guard}: the text occurs ${count} times in ${mutation.file}`)
  }
  if (problems.length === 0) await requirePassing()
  if (problems.length === 0) for (const mutation of chosen) await tryOut(mutation)
} finally {
  rmSync(copy, { recursive: true })
}
for (const problem of problems) process.stderr.write(`mutate: ${problem}\n`)
process.stdout.write(`mutate: ${chosen.length} mutations, ${problems.length} problems\n`)
process.exitCode = problems.length === 0 && chosen.length > 0 ? 0 : 1

/** The tests must pass without a mutation, since their failure would else prove nothing. */
async function requirePassing(): Promise<void> {
  const files = [...new Set(chosen.flatMap(({ tests }) => tests))]
  const outcome = await run(files, undefined, UNCHANGED_MS_MAX)
  if (outcome !== 'passed') problems.push(`the tests have ${outcome} without a mutation`)
}

async function tryOut(mutation: Mutation): Promise<void> {
  const { guard, file, text, replacement, tests, name } = mutation
  const source = sourceOf(mutation)
  // A function, since `$` is special in a replacement text.
  writeFileSync(
    join(copy, file),
    source.replace(text, () => replacement),
  )
  const startedMs = Date.now()
  const outcome = await run(tests, name, MUTATED_MS_MAX)
  writeFileSync(join(copy, file), source)
  const verdict = { failed: 'killed', passed: 'SURVIVED', broken: 'BROKEN' }[outcome]
  const seconds = Math.round((Date.now() - startedMs) / 1000)
  process.stdout.write(`${verdict.padEnd(8)} ${`${seconds}`.padStart(3)} s  ${guard}\n`)
  if (outcome === 'passed') problems.push(`survived: ${guard} (${file}; ${tests.join(', ')})`)
  if (outcome === 'broken') problems.push(`no test has failed or passed: ${guard} (${file})`)
}

function sourceOf({ file }: Mutation): string {
  return readFileSync(join(copy, file), 'utf8')
}

async function run(tests: readonly string[], name: string | undefined, runMsMax: number): Promise<Outcome> {
  const reportPath = join(copy, 'report.json')
  rmSync(reportPath, { force: true })
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const options = [
    '--config',
    'test/vitest.config.ts',
    '--bail',
    '1',
    '--reporter',
    'json',
    '--outputFile',
    reportPath,
  ]
  const projects = ['worker', 'alerts', 'contract'].flatMap((project) => ['--project', project])
  const named = name === undefined ? [] : ['--testNamePattern', name]
  const child = spawn(process.execPath, [vitest, 'run', ...options, ...projects, ...named, ...tests], {
    cwd: copy,
    stdio: 'ignore',
    // A group of its own, so that a run that hangs ends with its runtimes.
    detached: true,
  })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  let hasHung = false
  const timer = setTimeout(() => {
    hasHung = true
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  }, runMsMax)
  const code = await exited
  clearTimeout(timer)
  if (hasHung) return 'broken'
  if (code === 0) return 'passed'
  return failedTests(reportPath) > 0 ? 'failed' : 'broken'
}

/** A test that fails leaves a report with its number. A file that cannot be loaded counts as no test. */
function failedTests(reportPath: string): number {
  try {
    return (JSON.parse(readFileSync(reportPath, 'utf8')) as { numFailedTests: number }).numFailedTests
  } catch {
    return 0
  }
}
