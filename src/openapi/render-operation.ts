/** Makes OpenAPI of a route: parameters, body, and each answer with its headers and examples. */
import { type DescribedFailure, describedFailure, type FailureName, type Sample } from './failures.ts'
import { ALWAYS, CHANGES, CORS, type HeaderName, isHeaderName, LIMITS, SERVED } from './headers.ts'
import { schemaReference } from './json-schema.ts'
import type { Answer, Example, Operation, Parameter } from './operation.ts'

const JSON_TYPE = 'application/json'

/** Statuses of answers that go out before a request is counted. */
const BEFORE_COUNTING: ReadonlySet<string> = new Set(['401', '403', '408', '415'])

const SECURITY = { anyone: [], key: [{ apiKey: [] }], operator: [{ adminToken: [] }] }

type Failures = Readonly<Record<FailureName, Sample>>

/** An operation object of OpenAPI 3.1. */
export function renderOperation(operation: Operation, failures: Failures): object {
  const { id, tag, summary, description, caller, parameters, body, answer } = operation
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: SECURITY[caller],
    ...(parameters === undefined ? {} : { parameters: parameters.map(renderParameter) }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: body.required,
            content: { [JSON_TYPE]: { schema: schemaReference(body.schema), examples: body.examples } },
          },
        }),
    responses: {
      ...(answer && { [answer.status]: renderAnswer(operation, answer) }),
      ...renderFailures(operation, failures),
    },
  }
}

function renderParameter({ name, in: place, description, schema, example }: Parameter): object {
  return {
    name,
    in: place,
    required: place === 'path',
    description,
    schema,
    ...(example === undefined ? {} : { example }),
  }
}

function renderAnswer(
  operation: Operation,
  { status, description, json, text, stream, headers = [] }: Answer,
): object {
  return {
    description,
    headers: references('headers', [...commonHeaders(operation, `${status}`), ...headers]),
    content: {
      ...(json && { [JSON_TYPE]: { schema: schemaReference(json.schema), examples: json.examples } }),
      ...(text && { [text.type]: { schema: { type: 'string' }, example: text.example } }),
      ...(stream && {
        'text/event-stream': {
          // The schema of the content is the schema of each event's data.
          schema: {
            type: 'string',
            description: stream.description,
            contentMediaType: 'text/event-stream',
            contentSchema: schemaReference(stream.schema),
          },
          example: stream.example,
        },
      }),
    },
  }
}

/** The answers of all failures of a route, by status. */
export function renderFailures(
  operation: Pick<Operation, 'path' | 'caller' | 'failures' | 'isCounted' | 'refusal'>,
  failures: Failures,
): Record<string, object> {
  const own: [string, DescribedFailure][] =
    operation.refusal === undefined
      ? []
      : [
          [
            'invalid_parameter',
            describedFailure({ when: 'A parameter is wrong.', failure: operation.refusal }),
          ],
        ]
  const named = operation.failures.map((name): [string, DescribedFailure] => [
    name,
    describedFailure(failures[name]),
  ])
  const byStatus = Map.groupBy([...own, ...named], ([, { status }]) => `${status}`)
  // The vendor can refuse with another status than its usual 400.
  if (operation.failures.includes('model_refused')) {
    byStatus.set('4XX', [['model_refused', describedFailure(failures.model_refused)]])
  }
  const entries = [...byStatus].map(([status, group]): [string, object] => [
    status,
    {
      description: group.map(([, { when }]) => when).join(' '),
      headers: references('headers', [
        ...commonHeaders(operation, status),
        ...group.flatMap(([name, { headers }]) => headersOf(name, headers)),
      ]),
      content: {
        [JSON_TYPE]: { schema: schemaReference('Error'), examples: Object.fromEntries(group.map(exampleOf)) },
      },
    },
  ])
  return Object.fromEntries(entries)
}

/** The example of an answer. Examples of failures that several routes have are named. */
function exampleOf([name, described]: [string, DescribedFailure]): [string, Example | { $ref: string }] {
  if (name === 'invalid_parameter') return [name, { summary: described.when, value: described.body }]
  return [name, { $ref: `#/components/examples/${name}` }]
}

function headersOf(name: string, headers: Readonly<Record<string, string>>): HeaderName[] {
  const found = Object.keys(headers).filter(isHeaderName)
  // Where no retry within a minute can succeed, a limit says so.
  return name === 'rate_limited' ? [...found, 'x-should-retry'] : found
}

function commonHeaders(
  { path, caller, isCounted }: Pick<Operation, 'path' | 'caller' | 'isCounted'>,
  status: string,
): readonly HeaderName[] {
  return [
    ...ALWAYS,
    ...(caller === 'operator' ? (['cache-control'] as const) : []),
    ...(path.startsWith('/v1/') ? CORS : []),
    ...(isCounted === true && !BEFORE_COUNTING.has(status) ? [...LIMITS, ...CHANGES, ...SERVED] : []),
  ]
}

function references(kind: string, names: readonly string[]): Record<string, { $ref: string }> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/${kind}/${name}` }]))
}
