/** A small change of the source that takes a guard away, and the tests that must then fail. */

export interface Mutation {
  /** The promise that the mutation breaks. */
  guard: string
  file: string
  /** It must occur exactly once in the file. */
  text: string
  replacement: string
  /** The test files of which at least one test must fail. */
  tests: readonly string[]
  /** A part of the name of the test that must fail, where the others of its file take long. */
  name?: string
}

export const alerts = (name: string): string => `test/alerts/${name}.test.ts`
export const api = (name: string): string => `test/api/${name}.test.ts`
export const contract = (name: string): string => `test/contract/${name}.test.ts`
export const hostile = (name: string): string => `test/hostile/node/${name}.test.ts`
export const unit = (name: string): string => `test/unit/${name}.test.ts`
