/**
 * `npm run check:ship`: builds what `npm run deploy` would upload, and fails where something is in it that must not ship
 * or where it has grown above its bound. Reads the bundler's own list of inputs, so that a renamed file cannot hide.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

/**
 * The bound of the compressed Worker; an isolate's start pays for every byte. It was 32 KiB until budgets, the ledger and
 * the Responses API came: zod and Hono alone, as small as they come, are 15 of them. The accounts of keys and the directory
 * brought it from 42 to 46: they add 4.2 KiB.
 */
const GZIP_BYTES_MAX = 46 * 1024

interface Metafile {
  outputs: Record<string, { bytes: number; inputs: Record<string, { bytesInOutput: number }> }>
}

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
  const throttle = inputs.filter(
    (path) => !/^(src|node_modules)\//.test(path) || path.startsWith('src/local/'),
  )
  const bundle = readFileSync(join(outdir, 'index.js'))
  const gzipBytes = gzipSync(bundle, { level: 9 }).byteLength

  const problems: string[] = []
  if (!inputs.includes('src/app.ts'))
    problems.push('src/app.ts is not in the bundle: the list of inputs cannot be right')
  if (throttle.length > 0) problems.push(`must not ship: ${throttle.join(', ')}`)
  if (bundle.includes('LocalOffline')) problems.push('the ready-made local key is in the bundle')
  if (gzipBytes > GZIP_BYTES_MAX)
    problems.push(`${gzipBytes} bytes gzip, above the bound of ${GZIP_BYTES_MAX}`)

  const size = `${inputs.length} files, ${bundle.byteLength} bytes, ${gzipBytes} gzip (at most ${GZIP_BYTES_MAX})`
  process.stdout.write(`ship check: ${size}\n`)
  for (const problem of problems) process.stderr.write(`ship check: ${problem}\n`)
  process.exitCode = problems.length === 0 ? 0 : 1
} finally {
  rmSync(outdir, { recursive: true })
}
