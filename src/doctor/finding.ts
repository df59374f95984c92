/** What a check found wrong, and what to do about it. */

/** The longest text of a server that is printed. */
export const SHOWN_CHARACTERS_MAX = 300

/** Where the reason of a failure stands that callers must not learn. */
export const LOG = 'npx wrangler tail (on your machine, the terminal of npm run dev)'
export const RETRY_OR_LOG = `Run this again. If it stays, the log has the reason: ${LOG}`

export class Finding extends Error {
  override readonly name = 'Finding'
  /** A command, or a step in the dashboard. */
  readonly run: string

  constructor(wrong: string, run: string) {
    super(wrong)
    this.run = run
  }
}

/** A text of the server on one line, cut, and without the control characters that a terminal obeys. */
export function shown(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim()
  return line.length > SHOWN_CHARACTERS_MAX ? `${line.slice(0, SHOWN_CHARACTERS_MAX)}…` : line
}
