/**
 * Hono's router that compiles no patterns, so that an isolate starts sooner, with a cache. It compares a path with all routes in
 * turn, and here once for each path of the table.
 */
import type { Result } from 'hono/router'
import { LinearRouter } from 'hono/router/linear-router'

/** All routes must be added before the first match. */
export class CachedRouter<T> extends LinearRouter<T> {
  /** Results by path and method. Only the table's own paths are cached: callers can invent paths, and the runtime has 40 methods. */
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
