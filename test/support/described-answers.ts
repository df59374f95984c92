/** Compares answers with the API's description: status, content type, headers, and the body where it is JSON. */
import { dereference, validate } from '@cfworker/json-schema'
import {
  openApiDocument,
  type MediaTypeObject,
  type OperationObject,
  type ResponseObject,
} from '../../src/openapi/document.ts'
import type { JsonSchema } from '../../src/openapi/json-schema.ts'

export const description = await openApiDocument()

/** Headers that HTTP itself needs. OpenAPI ignores them where they are described. */
const OF_HTTP: ReadonlySet<string> = new Set(['content-type', 'content-length', 'date', 'transfer-encoding'])

interface DescribedPath {
  template: string
  pattern: RegExp
}

// An id of a model may have slashes, and so its pattern is tried after the others.
const PATHS: readonly DescribedPath[] = ['[^/]+', '.+'].flatMap((parameter) =>
  Object.keys(description.paths).map((template) => ({
    template,
    pattern: new RegExp(`^${template.replaceAll(/\{\w+\}/g, parameter)}$`),
  })),
)

/** The description's schemas, and the same with objects that allow no other fields than the described ones. */
const OPEN = schemasOf(description.components.schemas)
const CLOSED = schemasOf(closed(description.components.schemas))

/** What is wrong with an answer, or with the description. */
export async function problemsOf(method: string, url: string, answer: Response): Promise<string[]> {
  const pathname = new URL(url).pathname.replace(/(?<=.)\/$/, '')
  // A preflight belongs to CORS, and not to the API.
  if (method === 'OPTIONS' && answer.status === 204) return []
  const { responses } = operationAt(method, pathname) ?? description['x-unmatched']
  const described = responses[answer.status] ?? responses[`${Math.floor(answer.status / 100)}XX`]
  const place = `${method} ${pathname} ${answer.status}`
  if (described === undefined) return [`${place}: the status is not described`]
  const problems = [
    ...problemsOfHeaders(described, answer.headers),
    ...(method === 'HEAD' ? [] : await problemsOfContent(described, answer)),
  ]
  return problems.map((problem) => `${place}: ${problem}`)
}

/** The operation for a request; `undefined` where the description has no such path or method. */
export function operationAt(method: string, pathname: string): OperationObject | undefined {
  const { template } = PATHS.find(({ pattern }) => pattern.test(pathname)) ?? {}
  const name = method === 'HEAD' ? 'get' : method.toLowerCase()
  return template === undefined ? undefined : description.paths[template]?.[name]
}

/** What is wrong with a value, by the schema `{ $ref }` of the description. `isClosed`: only described fields may be there. */
export function problemsOfValue(value: unknown, { $ref }: JsonSchema, isClosed: boolean): string[] {
  const { schemas, lookup } = isClosed ? CLOSED : OPEN
  const name = String($ref).replace('#/components/schemas/', '')
  const { errors } = validate(value, schemas[name] ?? false, '2020-12', lookup, false)
  return errors.map(({ instanceLocation, error }) => `${instanceLocation} ${error}`)
}

async function problemsOfContent(described: ResponseObject, answer: Response): Promise<string[]> {
  const type = answer.headers.get('content-type')?.replace(/;.*$/, '') ?? 'none'
  const media: MediaTypeObject | undefined = described.content[type]
  if (media === undefined) return [`the content type ${type} is not described`]
  // A stream is not read here, since that would change when its client reads it.
  if (type !== 'application/json') return []
  return problemsOfValue(await answer.clone().json(), media.schema, true)
}

function problemsOfHeaders(described: ResponseObject, headers: Headers): string[] {
  const unknown = Array.from(headers.keys(), (name) => name.toLowerCase()).filter(
    (name) => !OF_HTTP.has(name) && described.headers[name] === undefined,
  )
  return [
    ...unknown.map((name) => `the header ${name} is not described`),
    ...Object.keys(described.headers).flatMap((name) => {
      const value = headers.get(name)
      const { schema = false, required = false } = description.components.headers[name] ?? {}
      if (value === null) return required ? [`the header ${name} is missing`] : []
      const isNumber = schema && (schema['type'] === 'integer' || schema['type'] === 'number')
      const { valid } = validate(isNumber ? Number(value) : value, schema, '2020-12')
      return valid ? [] : [`the header ${name} is ${value}`]
    }),
  ]
}

function schemasOf(schemas: Record<string, JsonSchema>) {
  const copy: Record<string, JsonSchema> = JSON.parse(JSON.stringify(schemas))
  return { schemas: copy, lookup: dereference({ components: { schemas: copy } }) }
}

function closed(schemas: Record<string, JsonSchema>): Record<string, JsonSchema> {
  const text = JSON.stringify(schemas, (key, value: JsonSchema) =>
    // The maps of named schemas are no schemas, and one of their names can be `type`.
    typeof value?.properties === 'object' && value['type'] === 'object' && key !== 'properties'
      ? { additionalProperties: false, ...value }
      : value,
  )
  const copy: Record<string, JsonSchema> = JSON.parse(text)
  return copy
}
