/**
 * `npm run check:imports`: imports of `src` point down and make no circle, imports of types included. The rooms and their
 * order are those of the path of a request; a room that is not in the list fails the check.
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** From the lowest to the highest. A file may import from its own level and from those below. */
const LEVELS: readonly (readonly string[])[] = [
  [
    'calendar.ts',
    'cached-router.ts',
    'error-envelope.ts',
    'failure.ts',
    'lazy.ts',
    'log.ts',
    'lru.ts',
    'render-failure.ts',
    'request-id.ts',
    'timeout.ts',
    'wire',
  ],
  ['models', 'upstream'],
  ['streams'],
  ['alerts', 'apis', 'keys', 'limits'],
  ['config.ts', 'config-warnings.ts', 'vars.ts'],
  ['accounts'],
  ['isolate.ts'],
  ['context.ts'],
  ['admin', 'stages'],
  ['app.ts'],
  ['index.ts'],
  ['local'],
  // The API's description. The build and the tests import it, and nothing of the Worker.
  ['openapi'],
  // Pages for browsers. They share schemas with the Worker, and nothing of the Worker imports them.
  ['console'],
  // A script for the operator's machine. It knows the gateway by its routes alone.
  ['doctor'],
]

const problems: string[] = []
const imports = new Map<string, string[]>()

for (const file of globSync('src/**/*.{ts,tsx}').map(normalize)) {
  const found = readFileSync(file, 'utf8').matchAll(/(?:from|import|import\() ?'(\.[^']+)'/g)
  imports.set(
    file,
    Array.from(found, ([, path = '']) => join(dirname(file), path)),
  )
}

for (const [file, targets] of imports) {
  const level = levelOf(file)
  if (level === -1) problems.push(`${file}: its room is not in the list of levels`)
  for (const target of targets) {
    if (!imports.has(target)) problems.push(`${file}: imports ${target}, which is not in src`)
    else if (levelOf(target) > level) problems.push(`${file}: imports ${target}, which is above it`)
  }
}

const done = new Set<string>()
for (const file of imports.keys()) findCircle(file, [])

process.stdout.write(`imports check: ${imports.size} files, ${LEVELS.length} levels\n`)
for (const problem of problems) process.stderr.write(`imports check: ${problem}\n`)
process.exitCode = problems.length === 0 ? 0 : 1

function levelOf(file: string): number {
  const [, room = ''] = file.split('/')
  return LEVELS.findIndex((rooms) => rooms.includes(room))
}

function findCircle(file: string, path: readonly string[]): void {
  if (path.includes(file)) {
    problems.push(`a circle: ${[...path.slice(path.indexOf(file)), file].join(' ▸ ')}`)
    return
  }
  if (done.has(file)) return
  for (const target of imports.get(file) ?? []) findCircle(target, [...path, file])
  done.add(file)
}
