/** Hono's smallest router, which tries the patterns of all routes in turn, and here does so once for each path of the table. */
import type { Result } from 'hono/router'
import { PatternRouter } from 'hono/router/pattern-router'

/** All routes must be added before the first is asked for. */
export class CachedRouter<T> extends PatternRouter<T> {
  /** By path and method. Only paths that stand in the table: callers can make up any number, but of methods the runtime has 40. */
  readonly #found = new Map<string, Map<string, Result<T>>>()

  override add(method: string, path: string, handler: T): void {
    super.add(method, path, handler)
    this.#found.set(path, new Map())
  }

  override match(method: string, path: string): Result<T> {
    const found = this.#found.get(path)
    const known = found?.get(method)
    if (known !== undefined) return known
    const result = super.match(method, path)
    found?.set(method, result)
    return result
  }
}
