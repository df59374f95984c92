/**
 * `npm run build:console` bundles the pages into `.console/`, which the platform serves, and writes the API's description
 * beside them. Node runs this file: the pages do not import it. Names of scripts and styles have a hash, so that a browser may
 * keep them for good.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile } from 'esbuild'
import { openApiDocument } from '../openapi/document.ts'

const source = fileURLToPath(new URL('.', import.meta.url))
const root = join(source, '../..')
/** The folder of `[assets]` in `wrangler.toml`. */
export const ASSETS_FOLDER = join(root, '.console')

/** The browsers that have all of the CSS: `light-dark()` and nesting. */
const TARGETS = ['es2022', 'chrome123', 'firefox121', 'safari17.5']
const ENTRIES = ['console.tsx', 'usage.tsx', 'styles/main.css']
const PAGES = ['console.html', 'usage.html']
/** Files whose names stay: the platform reads the headers, and the pages link the icon. */
const COPIES = [
  ['_headers', 'pages/_headers'],
  ['console/icon.svg', 'pages/icon.svg'],
] as const

/** The API's description, which the platform serves beside the pages. */
export const DESCRIPTION = 'openapi.json'

/** Builds, writes what is new, and removes what is old. */
export async function buildConsole(): Promise<void> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: ENTRIES.map((entry) => join(source, entry)),
    outdir: ASSETS_FOLDER,
    outbase: source,
    entryNames: 'console/built/[name]-[hash]',
    chunkNames: 'console/built/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: TARGETS,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    metafile: true,
    write: false,
    logLevel: 'warning',
  })
  const files = new Map<string, Uint8Array>(
    outputFiles.map(({ path, contents }) => [relative(ASSETS_FOLDER, path), contents]),
  )
  for (const page of PAGES) files.set(page, Buffer.from(pageOf(page, metafile)))
  for (const [name, from] of COPIES) files.set(name, readFileSync(join(source, from)))
  files.set(DESCRIPTION, Buffer.from(JSON.stringify(await openApiDocument())))
  removeAllBut(new Set(files.keys()))
  for (const [name, bytes] of files) writeIfNew(join(ASSETS_FOLDER, name), bytes)
}

/** The page with the names of its script and style in the places of `{name}`. */
function pageOf(page: string, { outputs }: Metafile): string {
  const paths = new Map<string, string>()
  for (const [path, { entryPoint }] of Object.entries(outputs)) {
    if (entryPoint !== undefined) {
      paths.set(relative(source, join(root, entryPoint)), `/${relative(ASSETS_FOLDER, join(root, path))}`)
    }
  }
  return readFileSync(join(source, 'pages', page), 'utf8').replaceAll(/\{(\S+)\}/g, (_, entry: string) => {
    const path = paths.get(entry)
    if (path === undefined) throw new Error(`${page} names ${entry}, which is not built`)
    return path
  })
}

function removeAllBut(names: ReadonlySet<string>): void {
  mkdirSync(ASSETS_FOLDER, { recursive: true })
  for (const entry of readdirSync(ASSETS_FOLDER, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile() && !names.has(relative(ASSETS_FOLDER, path))) rmSync(path)
  }
}

/** A file that is the same stays untouched, since `wrangler dev` reloads at each write. */
function writeIfNew(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true })
  try {
    if (readFileSync(path).equals(bytes)) return
  } catch {
    // The file does not exist yet.
  }
  writeFileSync(path, bytes)
}

if (import.meta.main) await buildConsole()
