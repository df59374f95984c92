import type { ProvidedContext as Provided } from 'vitest'

declare module 'vitest' {
  /** What the fuzz tests are told by the configuration. */
  interface ProvidedContext {
    fuzz: { cases: number; seed: number }
  }
}

export type Fuzz = Provided['fuzz']
