/** Tells the person at the terminal of `wrangler dev` what the simulator noticed. Never the text of a message. */
export function print(line: string): void {
  // oxlint-disable-next-line no-console -- the terminal is where a person looks for it
  console.log(`simulator: ${line}`)
}
