/** Writes the table between two markers in the README beside this file. */
import { readFile, writeFile } from 'node:fs/promises'

const README = new URL('README.md', import.meta.url)
const BETWEEN_MARKERS = /(<!-- bench: [^>]*-->\n)[^]*?(<!-- \/bench -->)/

/** @throws Error where the README has no markers. */
export async function writeTable(table: string): Promise<void> {
  const text = await readFile(README, 'utf8')
  if (!BETWEEN_MARKERS.test(text)) throw new Error('test/bench/README.md has no markers for the table')
  await writeFile(
    README,
    text.replace(BETWEEN_MARKERS, (_all, start: string, end: string) => `${start}\n${table}\n\n${end}`),
  )
}
