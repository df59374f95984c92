/**
 * `npm run try:recipes` installs the clients of the recipes, in the versions that the recipes name, and runs each recipe
 * against a gateway of its own. A word after `--` chooses the recipes whose name contains it. It needs npm, Python 3.11 and curl. Open
 * WebUI runs only where the word chooses it, since it installs 7 GB.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startOfflineGateway } from '../support/node/offline-gateway.ts'
import { pointedAt, readRecipes } from './recipe.ts'
import { EXPECTED_ANSWER, isServer, runRecipe } from './run-recipe.ts'

const [word = ''] = process.argv.slice(2)
const chosen = readRecipes().filter(({ name }) => name.toLowerCase().includes(word.toLowerCase()))
const recipes = word === '' ? chosen.filter((recipe) => !isServer(recipe)) : chosen
for (const { name } of chosen.filter((recipe) => !recipes.includes(recipe)))
  process.stdout.write(`left out  ${name}: npm run try:recipes -- '${name}'\n`)
const folder = mkdtempSync(join(tmpdir(), 'recipes-'))
try {
  install(new Set(recipes.flatMap(({ packages }) => packages)))
  const failed = await tryAll()
  process.stdout.write(`${recipes.length - failed} passed, ${failed} failed\n`)
  process.exitCode = failed === 0 && recipes.length > 0 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function install(packages: ReadonlySet<string>): void {
  const [pip, npm] = [[...packages].filter(isPip), [...packages].filter((spec) => !isPip(spec))]
  const run = (command: string, args: readonly string[]): void => {
    execFileSync(command, args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  writeFileSync(join(folder, 'package.json'), '{"private":true}')
  if (npm.length > 0) run('npm', ['install', '--silent', '--no-audit', '--no-fund', ...npm])
  if (pip.length === 0) return
  run('python3', ['-m', 'venv', 'python'])
  run('python/bin/pip', ['install', '--quiet', '--disable-pip-version-check', ...pip])
}

function isPip(spec: string): boolean {
  return spec.includes('==')
}

/** The number of recipes that failed. */
async function tryAll(): Promise<number> {
  const gateway = await startOfflineGateway()
  let failed = 0
  try {
    for (const recipe of recipes) {
      const problem = await problemOf(() => runRecipe(pointedAt(recipe, gateway.url), folder))
      if (problem !== null) failed += 1
      const line = [problem === null ? 'ok    ' : 'FAILED', recipe.name, ...recipe.packages].join('  ')
      process.stdout.write(`${line}\n${problem ?? ''}`)
    }
  } finally {
    await gateway.stop()
  }
  return failed
}

async function problemOf(run: () => Promise<string>): Promise<string | null> {
  try {
    const output = await run()
    return output.includes(EXPECTED_ANSWER) ? null : `no answer in its output:\n${output}\n`
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n`
  }
}
