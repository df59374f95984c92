import { PatternRouter } from 'hono/router/pattern-router'
import { describe, expect, it } from 'vitest'
import { app } from '../../src/app.ts'
import { CachedRouter } from '../../src/cached-router.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS', 'PURGE']
const OTHER_PATHS = [
  '/',
  '/v1',
  '/v1/',
  '/v1/models/o3-mini',
  '/v1/models/a/b',
  '/v1/chat/completions/',
  '/admin/keys/x',
]

describe('the router', () => {
  it('finds for every route what Hono’s own finds, at the first request and at the next', () => {
    const [one, other] = [new CachedRouter<string>(), new PatternRouter<string>()]
    app.routes.forEach(({ method, path }, index) => {
      for (const router of [one, other]) router.add(method, path, `${index} ${method} ${path}`)
    })
    const paths = [...app.routes.map(({ path }) => path), ...OTHER_PATHS]
    for (const path of [...paths, ...paths]) {
      for (const method of METHODS) {
        expect(one.match(method, path), `${method} ${path}`).toEqual(other.match(method, path))
      }
    }
  })
})
