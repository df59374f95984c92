/**
 * `npm run check:ship` builds the upload of `npm run deploy`, and fails if it contains a forbidden file or exceeds its
 * bound. It reads the bundler's own list of inputs, so a renamed file is found too.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { ASSETS_FOLDER, buildConsole, DESCRIPTION } from '../src/console/build.ts'

/**
 * The bound of the compressed Worker, because every byte slows an isolate's start. The parts in KiB of gzip: what the Worker
 * would lack without the files of each. Zod 7.6 and Hono 6.5, as small as they come. The two APIs and the way of a request 5.6;
 * guards of bodies, references and extras 2.6; errors and their explanations 6.4; calls and streams 3.2; keys and the
 * operator's routes 4.9; vars and their warnings 2.5; models, prices and their ends 3.0; limits 5.2; accounts with money and
 * bills 13.8; the directory 4.1; the last requests and minutes of a key 1.7; exports 0.6; metrics 2.4; alerts 3.2; groups 1.2
 * and tags 0.5, which have made other parts 3 larger; the translation between chat completions and Responses 8.2; models that
 * answer in the place of another 1.4. All parts share the other 3. Sentences for callers and operators are 18 of the whole.
 */
const GZIP_BYTES_MAX = 90 * 1024
/** The bound of all files of the pages together, each compressed. */
const PAGES_GZIP_BYTES_MAX = 60 * 1024

interface Metafile {
  outputs: Record<string, { bytes: number; inputs: Record<string, { bytesInOutput: number }> }>
}

await buildConsole()
const pagesGzipBytes = readdirSync(ASSETS_FOLDER, { recursive: true, withFileTypes: true })
  // No page loads the API's description.
  .filter((entry) => entry.isFile() && entry.name !== DESCRIPTION)
  .map((entry) => gzipSync(readFileSync(join(entry.parentPath, entry.name)), { level: 9 }).byteLength)
  .reduce((sum, bytes) => sum + bytes, 0)

const outdir = mkdtempSync(join(tmpdir(), 'ship-check-'))
try {
  const metafilePath = join(outdir, 'meta.json')
  execFileSync(
    'node',
    [
      'node_modules/wrangler/bin/wrangler.js',
      'deploy',
      '--dry-run',
      '--env=',
      '--outdir',
      outdir,
      '--metafile',
      metafilePath,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const metafile = JSON.parse(readFileSync(metafilePath, 'utf8')) as Metafile
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs))
  const forbidden = inputs.filter(
    (path) => !/^(src|node_modules)\//.test(path) || /^src\/(local|console|openapi|doctor)\//.test(path),
  )
  const bundle = readFileSync(join(outdir, 'index.js'))
  const gzipBytes = gzipSync(bundle, { level: 9 }).byteLength

  const problems: string[] = []
  if (!inputs.includes('src/app.ts'))
    problems.push('src/app.ts is not in the bundle: the list of inputs cannot be right')
  if (forbidden.length > 0) problems.push(`must not ship: ${forbidden.join(', ')}`)
  if (bundle.includes('LocalOffline')) problems.push('the ready-made local key is in the bundle')
  if (gzipBytes > GZIP_BYTES_MAX)
    problems.push(`${gzipBytes} bytes gzip, above the bound of ${GZIP_BYTES_MAX}`)

  if (pagesGzipBytes > PAGES_GZIP_BYTES_MAX)
    problems.push(`the pages are ${pagesGzipBytes} bytes gzip, above the bound of ${PAGES_GZIP_BYTES_MAX}`)

  const size = `${inputs.length} files, ${bundle.byteLength} bytes, ${gzipBytes} gzip (at most ${GZIP_BYTES_MAX})`
  process.stdout.write(`ship check: ${size}\n`)
  process.stdout.write(`ship check: pages ${pagesGzipBytes} gzip (at most ${PAGES_GZIP_BYTES_MAX})\n`)
  for (const problem of problems) process.stderr.write(`ship check: ${problem}\n`)
  process.exitCode = problems.length === 0 ? 0 : 1
} finally {
  rmSync(outdir, { recursive: true })
}
