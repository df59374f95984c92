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
  '/v1/models/',
  '/v1/responses/resp_1',
  '/v1/responses/resp_1/',
  '/v1/responses/resp_1/cancel',
  '/v1/responses/a-resp_1',
  '/v1/responses/resp_1-b',
  '/v1x',
  '/admin',
  '/admin/',
  '/admin/keys/',
  '/admin/keys/x',
  '/admin/keys/x/',
  '/admin/keys/x/y',
  '/admin/keys/x/rotate',
  '/admin//keys',
]

describe('the cached router', () => {
  it('matches every route as Hono’s own router does, on the first request and on the next', () => {
    const [cached, reference] = [new CachedRouter<string>(), new PatternRouter<string>()]
    app.routes.forEach(({ method, path }, index) => {
      for (const router of [cached, reference]) router.add(method, path, `${index} ${method} ${path}`)
    })
    const paths = [...app.routes.map(({ path }) => path), ...OTHER_PATHS]
    for (const path of [...paths, ...paths]) {
      for (const method of METHODS) {
        expect(cached.match(method, path), `${method} ${path}`).toEqual(reference.match(method, path))
      }
    }
  })
})
