/** Runs one recipe as its reader would, in a folder that has its packages. */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runOpenWebUi } from './open-webui.ts'
import { type Recipe, SHOWN_SECRET } from './recipe.ts'

/** A command-line tool asks the gateway several times, and starts slowly on a busy machine. */
export const RUN_TIMEOUT_MS = 120_000
/** The simulator begins every answer to a recipe's question with it. */
export const EXPECTED_ANSWER = 'offline simulator of o3-mini'

/** Open WebUI serves until it is stopped, and its packages take 7 GB. */
export function isServer({ text }: Recipe): boolean {
  return text.includes('open-webui serve')
}

/** What the recipe prints. @throws Error with the output where it fails, or takes longer than `RUN_TIMEOUT_MS`. */
export async function runRecipe(recipe: Recipe, folder: string): Promise<string> {
  const file = (name: string): string => {
    writeFileSync(join(folder, name), recipe.text)
    return join(folder, name)
  }
  switch (recipe.language) {
    case 'sh':
      if (isServer(recipe)) return runOpenWebUi(recipe, folder)
      return execute(folder, 'sh', ['-c', recipe.text])
    case 'js':
      return execute(folder, process.execPath, [file('recipe.mjs')])
    case 'py':
      return execute(folder, join(folder, 'python/bin/python'), [file('recipe.py')])
    case 'toml':
      file('config.toml')
      return execute(folder, 'node_modules/.bin/codex', ['exec', '--skip-git-repo-check', 'Hello!'])
    case 'yaml':
      return execute(folder, 'node_modules/.bin/cn', ['-p', 'Hello!', '--config', file('config.yaml')])
    default:
      throw new Error(`nobody knows how to run ${recipe.language}`)
  }
}

/** The tools keep their state in the folder, and see no keys of the person who runs them. */
async function execute(folder: string, command: string, args: readonly string[]): Promise<string> {
  mkdirSync(join(folder, 'home'), { recursive: true })
  const { PATH = '' } = process.env
  const child = spawn(command, args, {
    cwd: folder,
    env: { PATH, HOME: join(folder, 'home'), CODEX_HOME: folder, GATEWAY_KEY: SHOWN_SECRET, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: RUN_TIMEOUT_MS,
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`${command} ended with ${code}:\n${output}`)
  return output
}
