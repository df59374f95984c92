/** Prints one line for each check, and counts the checks that found something. */
import { Finding } from './finding.ts'

/** Wide enough for the longest name. */
const NAME_WIDTH = 12

/** The end of the line of a check that passed. */
export interface Seen {
  saw: string
}

export class Report {
  readonly #print: (line: string) => void
  #good = 0
  #wrong = 0
  #skipped = 0

  constructor(print: (line: string) => void) {
    this.#print = print
  }

  get isGood(): boolean {
    return this.#wrong === 0 && this.#skipped === 0
  }

  /** What the check gives, or `null` where it found something. @throws any error of `work` that is no `Finding`. */
  async check<Result extends Seen>(name: string, work: () => Promise<Result>): Promise<Result | null> {
    try {
      const result = await work()
      this.#line('ok', name, result.saw)
      this.#good += 1
      return result
    } catch (error) {
      if (!(error instanceof Finding)) throw error
      this.#line('WRONG', name, `${error.message}\n${' '.repeat(NAME_WIDTH + 8)}▸ ${error.run}`)
      this.#wrong += 1
      return null
    }
  }

  /** Checks that need one before them. */
  skip(...names: readonly string[]): void {
    this.#print(`${'-'.padEnd(6)} not checked: ${names.join(', ')}`)
    this.#skipped += names.length
  }

  summary(): string {
    const skipped = this.#skipped === 0 ? '' : `, ${this.#skipped} not checked`
    return `${this.#good} ok, ${this.#wrong} wrong${skipped}`
  }

  #line(state: string, name: string, text: string): void {
    this.#print(`${state.padEnd(6)} ${name.padEnd(NAME_WIDTH)} ${text}`)
  }
}
