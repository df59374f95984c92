/**
 * `npm run doctor -- https://…` checks a deployment from outside: one line for each check, with what is wrong and what to run.
 * It exits with 0 where all is well, 1 where something is not, and 130 where the person at the terminal stops it.
 */
import { createAsk } from './deployment.ts'
import { examine } from './examine.ts'
import { readToken } from './read-token.ts'
import { Report } from './report.ts'

const USAGE =
  'Usage: npm run doctor -- https://<your gateway>\nThe admin token comes from the variable ADMIN_TOKEN, or is asked for.'
const NO_TOKEN =
  'ADMIN_TOKEN is not set. Run: read -rs ADMIN_TOKEN && export ADMIN_TOKEN\nPaste the token, press Enter, and run this again.'
const UNSENDABLE =
  'The admin token contains a space or another character that no header takes. Copy it again.'
const LOCAL_HOSTS = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

class Stopped extends Error {
  override readonly name = 'Stopped'
}

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  const origin = args.length === 1 ? originOf(args[0] ?? '') : null
  if (origin === null) return fail(USAGE)
  if (origin.startsWith('http://') && !LOCAL_HOSTS.test(new URL(origin).hostname)) {
    return fail('The admin token would travel unencrypted. Use https://')
  }
  const token = await readToken()
  if (token === null) return fail(NO_TOKEN)
  // Otherwise the error of `fetch` would quote it.
  if (!/^[\x21-\x7e]+$/.test(token)) return fail(UNSENDABLE)

  const stop = new AbortController()
  // A second signal ends the process at once.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stop.abort(new Stopped()))
  }
  const report = new Report((line) => print(line.replaceAll(token, '…')))
  print(`Checking ${origin}`)
  try {
    await examine(createAsk(origin, stop.signal), token, report)
  } catch (error) {
    if (!(error instanceof Stopped)) throw error
    print(`Stopped. ${report.summary()}`)
    return 130
  }
  print(report.summary())
  return report.isGood ? 0 : 1
}

/** The address without its path, since people paste `…/v1` and `…/console`; `null` for no address. */
function originOf(text: string): string | null {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) ? url.origin : null
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function fail(message: string): number {
  process.stderr.write(`${message}\n`)
  return 1
}
