/** The API's description says what the app does: each route, each example, and nothing that the app refuses. */
import { reset } from 'cloudflare:test'
import { afterEach, describe, expect, it } from 'vitest'
import manifest from '../../package.json'
import { app } from '../../src/app.ts'
import type { OperationObject } from '../../src/openapi/document.ts'
import { GROUP_ID_FORM } from '../../src/keys/group-id.ts'
import { KEY_ID_FORM } from '../../src/keys/secret.ts'
import { ADMIN_TOKEN, AT_ONCE, call, complete, issueKey, send } from '../support/gateway.ts'
import { usageAfter } from '../support/usage.ts'
import { description, operationAt, problemsOf, problemsOfValue } from '../support/described-answers.ts'

afterEach(async () => {
  await reset()
})

interface Described {
  name: string
  method: string
  path: string
  operation: OperationObject
}

const OPERATIONS: readonly Described[] = Object.entries(description.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    method: method.toUpperCase(),
    path,
    operation,
  })),
)

/** The example of a parameter is the id of no key, so that of a new key takes its place. */
async function pathOf({ path, operation }: Described): Promise<string> {
  const [id] = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
  if (id === undefined) return path
  const value = path.startsWith('/admin/') ? await idFor(path) : `${id.example}`
  return path.replace('{id}', value)
}

/** The id of a key, of a group, or of a request whose end is booked. */
async function idFor(path: string): Promise<string> {
  if (path.startsWith('/admin/groups/')) return createGroup()
  const key = await issueKey()
  if (!path.startsWith('/admin/requests/')) return key.id
  const answer = await complete(key.secret)
  await usageAfter(key, 1)
  return answer.headers.get('x-request-id') ?? ''
}

async function createGroup(): Promise<string> {
  const response = await send('POST', '/admin/groups', ADMIN_TOKEN, { name: 'test' })
  return (await response.json<{ id: string }>()).id
}

async function tokenFor(path: string): Promise<string> {
  return path.startsWith('/admin/') ? ADMIN_TOKEN : (await issueKey()).secret
}

/** The example of a group is no group, so that a new one takes its place. */
async function withGroup(body: object | undefined): Promise<object | undefined> {
  return body !== undefined && 'group' in body && body.group !== null
    ? { ...body, group: await createGroup() }
    : body
}

/** The status of a route's answer without a failure; 404 for a route that always fails. */
function successOf({ responses }: OperationObject): number {
  return Number(Object.keys(responses).find((status) => status.startsWith('2')) ?? 404)
}

describe('the description', () => {
  it('has every route of the app, and no other', () => {
    const routes = app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(\{.+?\})?/g, '{$1}')}`)
    expect(OPERATIONS.map(({ name }) => name).toSorted()).toEqual([...new Set(routes)].toSorted())
  })

  it('has the version of the package', () => {
    expect(description['info']).toMatchObject({ version: manifest.version })
  })

  it('has a different name for each operation', () => {
    const names = OPERATIONS.map(({ operation }) => operation.operationId)
    expect(new Set(names).size).toBe(names.length)
  })

  it('has no example of an answer that is not as its schema', () => {
    const examples = OPERATIONS.flatMap(({ name, operation }) =>
      Object.entries(operation.responses).flatMap(([status, { content }]) => {
        const { schema, examples: named = {} } = content['application/json'] ?? { schema: {} }
        return Object.values(named).map((example) => ({ place: `${name} ${status}`, schema, example }))
      }),
    )
    const shared = description.components['examples'] as Record<string, { value: object }>
    expect(examples.length).toBeGreaterThan(100)
    for (const { place, schema, example } of examples) {
      const value = example.value ?? shared[example.$ref?.replace(/^.*\//, '') ?? '']?.value
      expect([place, problemsOfValue(value, schema, true)]).toEqual([place, []])
    }
  })
})

/** Query parameters with examples, as they are sent. A cursor has none, since it is valid for its list alone. */
function queryOf({ parameters = [] }: OperationObject): URLSearchParams {
  const pairs = parameters.flatMap(({ in: place, name, example }) =>
    place === 'query' && example !== undefined ? [[name, `${example}`]] : [],
  )
  return new URLSearchParams(pairs)
}

describe('a route', () => {
  it.each(OPERATIONS)('answers its examples as it is described: $name', async (described) => {
    const { method, operation } = described
    const { examples } = operation.requestBody?.content['application/json'] ?? {}
    const bodies = examples === undefined ? [undefined] : Object.values(examples)
    for (const example of bodies) {
      const path = await pathOf(described)
      const isModel = described.path.startsWith('/v1/') && example !== undefined
      const value = await withGroup(example?.value)
      const body = isModel ? { ...value, simulate: AT_ONCE } : value
      const response = await send(method, path, await tokenFor(path), body)
      expect(response.status).toBe(successOf(operation))
      const isStream = example !== undefined && 'stream' in example.value
      // A route that is described with JSON and a stream answers with JSON unless it is asked for the other.
      const [first = 'application/json'] = Object.keys(operation.responses[response.status]?.content ?? {})
      expect(response.headers.get('content-type')).toContain(isStream ? 'text/event-stream' : first)
      await response.body?.cancel()
    }
  })

  it.each(OPERATIONS.filter(({ operation }) => queryOf(operation).size > 0))(
    'takes the examples of its parameters: $name',
    async (described) => {
      const path = await pathOf(described)
      const response = await send(
        described.method,
        `${path}?${queryOf(described.operation).toString()}`,
        ADMIN_TOKEN,
      )
      expect(response.status).toBe(200)
    },
  )

  it.each(OPERATIONS.filter(({ operation }) => operation.requestBody !== undefined))(
    'has examples that fit the schema of its body: $name',
    ({ operation }) => {
      const { schema = {}, examples = {} } = operation.requestBody?.content['application/json'] ?? {}
      for (const { value } of Object.values(examples))
        expect(problemsOfValue(value, schema, false)).toEqual([])
    },
  )

  it.each(OPERATIONS.filter(({ operation }) => '400' in operation.responses))(
    'has the example of a refusal that names a parameter: $name',
    ({ operation }) => {
      const { examples = {} } = operation.responses['400']?.content['application/json'] ?? {}
      expect(examples['invalid_parameter']?.value).toMatchObject({ error: { param: expect.any(String) } })
    },
  )
})

describe('a schema of a body', () => {
  const chat = { model: 'o3-mini', messages: [{ role: 'user', content: 'Hi' }] }
  const responses = { model: 'o3-mini', input: 'Hi' }

  it.each([
    ['/v1/chat/completions', { ...chat, n: 2, seed: 2 ** 62, safety_identifier: '🪆'.repeat(64) }, true],
    ['/v1/chat/completions', { ...chat, something_new: { deeply: [1] } }, true],
    ['/v1/chat/completions', { ...chat, n: 1.5 }, false],
    ['/v1/chat/completions', { ...chat, n: 129 }, false],
    ['/v1/chat/completions', { ...chat, safety_identifier: '🪆'.repeat(65) }, false],
    ['/v1/chat/completions', { ...chat, messages: [] }, false],
    ['/v1/responses', { ...responses, background: false }, true],
    ['/v1/responses', { ...responses, background: true }, false],
    ['/v1/responses', { ...responses, max_output_tokens: 0.5 }, false],
    ['/admin/keys', { name: 'x', limits: { budget: { usd: 0.5, period: 'day' } } }, true],
    ['/admin/keys', { name: 'x', limits: { requestsPerMinute: 1.5 } }, false],
    ['/admin/keys', { name: 'x', limits: { requestPerMinute: 1 } }, false],
    ['/admin/keys', { name: 'x', expiresAt: 'tomorrow' }, false],
    ['/admin/keys', { name: 'x', group: 'red' }, false],
    ['/admin/keys', { name: 'x', group: null, models: null, allowedAddresses: ['::1'] }, true],
    ['/admin/groups', { name: 'x', limits: { budget: { usd: 0.5, period: 'day' } } }, true],
    ['/admin/groups', { name: 'x', limits: { mode: 'exact' } }, false],
  ])('of %s judges as the app does: %j, %s', async (path, body, isGood) => {
    const { schema = {} } = operationAt('POST', path)?.requestBody?.content['application/json'] ?? {}
    expect(problemsOfValue(body, schema, false).length === 0).toBe(isGood)
    const sent = path.startsWith('/v1/') ? { ...body, simulate: AT_ONCE } : body
    expect((await send('POST', path, await tokenFor(path), sent)).ok).toBe(isGood)
  })

  it.each([
    ['a key', '/admin/keys/x', KEY_ID_FORM],
    ['a group', '/admin/groups/x', GROUP_ID_FORM],
  ])('has the form of the id of %s', (_, path, form) => {
    const [parameter] = operationAt('GET', path)?.parameters ?? []
    expect(parameter?.schema).toEqual({ type: 'string', pattern: form.source })
  })
})

describe('a stream', () => {
  it.each([
    ['createChatCompletion', '/v1/chat/completions', 'ChatCompletionEvent'],
    ['createResponse', '/v1/responses', 'ResponseEvent'],
  ])('has events as they are described: %s', async (_, path, name) => {
    const { examples = {} } = operationAt('POST', path)?.requestBody?.content['application/json'] ?? {}
    const { secret } = await issueKey()
    const ends = [{}, { cut: 2 }]
    for (const end of ends) {
      const body = { ...examples['stream']?.value, simulate: { ...AT_ONCE, ...end } }
      const text = await (await send('POST', path, secret, body)).text()
      const events = text.split('\n').flatMap((line) => (/^data: ?\{/.test(line) ? [line.slice(5)] : []))
      expect(events.length).toBeGreaterThan(1)
      for (const event of events) {
        const schema = { $ref: `#/components/schemas/${name}` }
        expect(problemsOfValue(JSON.parse(event), schema, true)).toEqual([])
      }
    }
  })
})

describe('the comparison of an answer with the description', () => {
  const headers = {
    'x-request-id': `req_${'0'.repeat(32)}`,
    'x-content-type-options': 'nosniff',
  }
  const url = 'https://gateway.example/health'

  it.each([
    ['another status', new Response('{}', { status: 418, headers }), /418: the status is not described/],
    [
      'another content type',
      new Response('ok', { headers: { ...headers, 'content-type': 'text/html' } }),
      /the content type text\/html is not described/,
    ],
    ['an absent header', Response.json({ status: 'ok' }), /the header x-request-id is missing/],
    [
      'an unknown header',
      Response.json({ status: 'ok' }, { headers: { ...headers, 'x-new': '1' } }),
      /the header x-new is not described/,
    ],
    [
      'a header in another form',
      Response.json({ status: 'ok' }, { headers: { ...headers, 'x-request-id': '1' } }),
      /the header x-request-id is 1/,
    ],
    ['another value', Response.json({ status: 'bad' }, { headers }), /status/],
    ['an unknown field', Response.json({ status: 'ok', more: 1 }, { headers }), /more/],
  ])('finds %s', async (_, answer, problem) => {
    expect(await problemsOf('GET', url, Response.json({ status: 'ok' }, { headers }))).toEqual([])
    expect((await problemsOf('GET', url, answer)).join('\n')).toMatch(problem)
  })

  it('knows the answers of paths and methods that are not listed', async () => {
    expect((await call('/v1/nowhere')).status).toBe(404)
    expect((await call('/health', { method: 'PUT' })).status).toBe(405)
    expect((await call('/admin/nowhere')).status).toBe(401)
  })
})
