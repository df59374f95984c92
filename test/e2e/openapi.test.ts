/** The API's description is a static file that needs no key, any page can read and Redocly's linter accepts. */
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { expect, inject, it } from 'vitest'
import { openApiDocument } from '../../src/openapi/document.ts'

const url = inject('gatewayUrl')

it('is served as a static file that pages of other origins can read', async () => {
  const answer = await fetch(`${url}/openapi.json`, { headers: { origin: 'https://app.example' } })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toContain('application/json')
  expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  expect(answer.headers.get('cross-origin-resource-policy')).toBe('cross-origin')
  // The Worker sends this header with each of its answers.
  expect(answer.headers.has('x-request-id')).toBe(false)
  expect(await answer.json()).toEqual(await openApiDocument())
})

it('opens no other file to pages of other origins', async () => {
  const page = await fetch(`${url}/console`)
  expect(page.headers.get('access-control-allow-origin')).toBeNull()
  expect(page.headers.get('cross-origin-resource-policy')).toBe('same-origin')
})

it('is what Redocly’s strictest rules accept', async () => {
  const source = await (await fetch(`${url}/openapi.json`)).text()
  expect(await problemsOf(source)).toEqual([])
  const damaged = source.replace('"operationId":"createKey"', '"operationId":"listKeys"')
  expect(await problemsOf(damaged)).toEqual([['operation-operationId-unique', expect.any(String)]])
})

async function problemsOf(source: string): Promise<unknown[]> {
  const config = await createConfig({
    extends: ['recommended-strict'],
    rules: {
      // The routes of stored responses always fail, and /health has no failure of the caller's.
      'operation-2xx-response': 'off',
      'operation-4xx-response': 'off',
      // Answers of unlisted paths stand in an extension, which the linter does not read.
      'no-unused-components': 'off',
    },
  })
  const problems = await lintFromString({ source, config, absoluteRef: '/openapi.json' })
  return problems.map(({ ruleId, location }) => [ruleId, location[0]?.pointer])
}
