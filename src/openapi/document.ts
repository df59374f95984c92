/**
 * The API's description, as OpenAPI 3.1. Schemas of requests come from the schemas that validate them, and examples of errors
 * from the code that renders them. Nothing of this room is in the Worker. `console/build.ts` writes the description to a
 * static file, and the tests compare every answer with it.
 */
import { WEBHOOKS } from './alert-payload.ts'
import { ANYWHERE, WITH_TOKEN } from './failure-lists.ts'
import { describedFailure, failureSamples } from './failures.ts'
import { type Header, HEADERS } from './headers.ts'
import type { JsonSchema } from './json-schema.ts'
import type { Operation } from './operation.ts'
import { renderFailures, renderOperation } from './render-operation.ts'
import { alertOperations } from './routes/alerts.ts'
import { chatOperations } from './routes/chat-completions.ts'
import { directoryOperations } from './routes/directory.ts'
import { groupOperations } from './routes/groups.ts'
import { healthOperations } from './routes/health.ts'
import { historyOperations } from './routes/history.ts'
import { keyOperations } from './routes/keys.ts'
import { metricOperations } from './routes/metrics.ts'
import { modelOperations } from './routes/models.ts'
import { responseOperations } from './routes/responses.ts'
import { usageOperations } from './routes/usage.ts'
import { namedSchemas } from './schemas.ts'

const OPERATIONS: readonly Operation[] = [
  ...chatOperations,
  ...responseOperations,
  ...modelOperations,
  ...usageOperations,
  ...historyOperations,
  ...metricOperations,
  ...keyOperations,
  ...groupOperations,
  ...directoryOperations,
  ...healthOperations,
  ...alertOperations,
]

const TAGS = [
  { name: 'Chat completions', description: 'OpenAI’s Chat Completions API.' },
  { name: 'Responses', description: 'OpenAI’s Responses API, without storage.' },
  { name: 'Models', description: 'The models of this gateway, with limits and prices.' },
  { name: 'Usage', description: 'Usage and cost.' },
  { name: 'Keys', description: 'The operator’s routes for keys.' },
  { name: 'Groups', description: 'The operator’s routes for limits and budgets that keys share.' },
  { name: 'Directory', description: 'The operator’s route for a list that was lost.' },
  { name: 'Health', description: 'Whether the gateway runs.' },
  { name: 'Alerts', description: 'The operator’s route that tries the webhook of alerts.' },
]

const DESCRIPTION = `Lends one Cloudflare account’s o3-mini to many apps and people through OpenAI’s API.

Every error is \`{"error": {"message", "type", "param", "code"}}\`. Every answer has an \`x-request-id\`. A path that is not
listed is a 404 \`unknown_url\`, and a method that is not listed is a 405 \`method_not_supported\` with \`allow\`.
\`x-unmatched\` describes these answers. A slash at the end of a path changes nothing. Known parameters are validated.
Unknown ones go to the model, but the operator’s routes refuse them.`

/** The parts of the description that the tests read. The other parts are for OpenAPI's tools. */
export interface OpenApiDocument {
  openapi: string
  paths: Record<string, Record<string, OperationObject>>
  components: {
    schemas: Record<string, JsonSchema>
    headers: Record<string, Header>
    [kind: string]: unknown
  }
  'x-unmatched': { responses: Record<string, ResponseObject> }
  [field: string]: unknown
}

export interface OperationObject {
  operationId: string
  parameters?: {
    name: string
    in: 'path' | 'query' | 'header'
    schema: JsonSchema
    example?: string | number
  }[]
  requestBody?: {
    content: Record<string, { schema: JsonSchema; examples: Record<string, { value: object }> }>
  }
  responses: Record<string, ResponseObject>
}

export interface ResponseObject {
  description: string
  headers: Record<string, { $ref: string }>
  content: Record<string, MediaTypeObject>
}

export interface MediaTypeObject {
  schema: JsonSchema
  example?: string
  examples?: Record<string, { $ref?: string; value?: object }>
}

/** The whole description, as plain JSON. */
export async function openApiDocument(): Promise<OpenApiDocument> {
  const failures = await failureSamples()
  const examples: Record<string, object> = Object.fromEntries(
    Object.entries(failures).map(([name, sample]) => [
      name,
      { summary: sample.when, value: describedFailure(sample).body },
    ]),
  )
  const unmatched = {
    path: '/v1/',
    caller: 'operator',
    failures: ['unknown_url', 'method_not_allowed', ...WITH_TOKEN, ...ANYWHERE],
  } as const
  const document = {
    openapi: '3.1.0',
    info: {
      title: 'o3-mini gateway',
      version: '0.1.0',
      summary: 'Lends one account’s o3-mini to many API keys.',
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'The gateway that serves this description.' }],
    tags: TAGS,
    paths: pathsOf(OPERATIONS.map((operation) => [operation, renderOperation(operation, failures)])),
    webhooks: WEBHOOKS,
    components: {
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'A key of this gateway: `sk-gw-…`.' },
        adminToken: { type: 'http', scheme: 'bearer', description: 'The operator’s `ADMIN_TOKEN`.' },
      },
      schemas: namedSchemas(),
      headers: HEADERS,
      examples,
    },
    'x-unmatched': { responses: renderFailures(unmatched, failures) },
  }
  const written: OpenApiDocument = JSON.parse(JSON.stringify(document))
  return written
}

function pathsOf(rendered: readonly [Operation, object][]): Record<string, Record<string, object>> {
  const paths: Record<string, Record<string, object>> = {}
  for (const [{ path, method }, operation] of rendered) paths[path] = { ...paths[path], [method]: operation }
  return paths
}
