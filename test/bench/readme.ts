/** Writes a table between two markers in the README beside this file. */
import { readFile, writeFile } from 'node:fs/promises'
import type { ScalePart } from './scale-report.ts'

const README = new URL('README.md', import.meta.url)

/** `name` stands in the markers. @throws Error where the README has no such markers. */
export async function writeTable(table: string, name: 'bench' | ScalePart): Promise<void> {
  const betweenMarkers = new RegExp(`(<!-- ${name}: [^>]*-->\\n)[^]*?(<!-- /${name} -->)`)
  const text = await readFile(README, 'utf8')
  if (!betweenMarkers.test(text)) throw new Error(`test/bench/README.md has no markers for ${name}`)
  await writeFile(
    README,
    text.replace(betweenMarkers, (_all, start: string, end: string) => `${start}\n${table}\n\n${end}`),
  )
}
