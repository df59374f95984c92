import 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    fuzz: { cases: number; seed: number }
  }
}
