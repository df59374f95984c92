/** Reads the admin token from the environment, or asks for it. It is never an argument, which other users of a machine can see. */
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

/** The token; `null` where there is none and nobody to ask. */
export async function readToken(): Promise<string | null> {
  const given = process.env['ADMIN_TOKEN']?.trim() ?? ''
  if (given !== '') return given
  if (!process.stdin.isTTY) return null
  const typed = (await askHidden('Admin token (it is not shown): ')).trim()
  return typed === '' ? null : typed
}

/** Resolves to an empty text where the person stops. */
function askHidden(question: string): Promise<string> {
  const nowhere = new Writable({
    write(_chunk, _encoding, done) {
      done()
    },
  })
  // The terminal stops its echo here, and so before the question invites to type.
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  process.stdout.write(question)
  return new Promise((resolve) => {
    lines.once('SIGINT', () => lines.close())
    lines.once('line', (line) => {
      resolve(line)
      lines.close()
    })
    lines.once('close', () => {
      process.stdout.write('\n')
      resolve('')
    })
  })
}
