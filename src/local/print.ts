/** Prints a line in the terminal of `wrangler dev`. The line must never contain the text of a message. */
export function print(line: string): void {
  // oxlint-disable-next-line no-console -- the line is for the person at the terminal
  console.log(`simulator: ${line}`)
}
