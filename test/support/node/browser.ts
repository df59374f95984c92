/** Finds and starts this machine's Chromium, and bundles modules for its pages. */
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type Browser, chromium } from 'playwright-core'
import { findProgram } from './program.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** These flags stop the browser's own network requests. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Returns the path of a browser, or `null` if the PATH has none. */
export function findBrowser(): string | null {
  return findProgram(...NAMES)
}

export function launchBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: FLAGS })
}

/** Bundles a module with its imports into a script that sets the global `name` to its exports. */
export async function bundleForBrowser(moduleUrl: URL, name: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(moduleUrl)],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    globalName: name,
  })
  return outputFiles.map(({ text }) => text).join('\n')
}
