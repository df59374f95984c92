import type { ProvidedContext as Provided } from 'vitest'

declare module 'vitest' {
  /** Settings that the configuration provides to the fuzz tests. */
  interface ProvidedContext {
    fuzz: { cases: number; seed: number }
  }
}

export type Fuzz = Provided['fuzz']
