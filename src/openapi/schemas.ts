/** The named schemas. A schema that contains another one refers to it. */
import { apiKeyView } from '../keys/api-key.ts'
import { alertPayload } from './alert-payload.ts'
import * as answers from './answers.ts'
import { type JsonSchema, jsonSchemaOf, schemaAt, withDescriptions, withReferences } from './json-schema.ts'
import { LIMIT_TEXTS, MEMBERSHIP_TEXTS, REQUEST_TEXTS, requestSchemas } from './request-schemas.ts'
import * as history from './history-answers.ts'
import * as keys from './key-answers.ts'
import * as upstream from './upstream-answers.ts'
import * as usage from './usage-answers.ts'

export type ComponentName = keyof ReturnType<typeof wholeSchemas>

export function namedSchemas(): Record<string, JsonSchema> {
  const schemas = wholeSchemas()
  const texts: Readonly<Record<string, Record<string, string>>> = {
    ...REQUEST_TEXTS,
    KeyLimits: LIMIT_TEXTS,
    Key: MEMBERSHIP_TEXTS,
  }
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [
      name,
      withDescriptions(withReferences(schema, schemas), texts[name] ?? {}),
    ]),
  )
}

function wholeSchemas() {
  const key = jsonSchemaOf(apiKeyView)
  return {
    ...requestSchemas(),
    ChatCompletion: jsonSchemaOf(upstream.chatCompletion),
    ChatCompletionEvent: jsonSchemaOf(upstream.chatEvent),
    Response: jsonSchemaOf(upstream.response),
    ResponseEvent: jsonSchemaOf(upstream.responseEvent),
    Error: jsonSchemaOf(answers.errorAnswer),
    Health: jsonSchemaOf(answers.health),
    Model: jsonSchemaOf(answers.model),
    ModelList: jsonSchemaOf(answers.modelList),
    Totals: jsonSchemaOf(usage.totals),
    ModelTotals: jsonSchemaOf(usage.modelTotals),
    DayTotals: jsonSchemaOf(usage.dayTotals),
    HolderUsage: jsonSchemaOf(usage.holderUsage),
    Key: key,
    KeyLimits: schemaAt(key, 'properties', 'limits'),
    CreatedKey: jsonSchemaOf(keys.createdKey),
    RotatedKey: jsonSchemaOf(keys.rotatedKey),
    DeletedKey: jsonSchemaOf(keys.deletedKey),
    KeyPage: jsonSchemaOf(keys.keyPage),
    Group: jsonSchemaOf(keys.group),
    DeletedGroup: jsonSchemaOf(keys.deletedGroup),
    GroupPage: jsonSchemaOf(keys.groupPage),
    KeyUsage: jsonSchemaOf(usage.keyUsage),
    UsagePage: jsonSchemaOf(usage.usagePage),
    OperatorModels: jsonSchemaOf(answers.operatorModels),
    ListedRequest: jsonSchemaOf(history.listedRequest),
    OwnRequests: jsonSchemaOf(history.ownRequests),
    KeyRequests: jsonSchemaOf(history.keyRequests),
    RequestReport: jsonSchemaOf(history.requestReport),
    KeyMinutes: jsonSchemaOf(history.keyMinutes),
    HealthReport: jsonSchemaOf(history.healthReport),
    Rebuilt: jsonSchemaOf(answers.rebuilt),
    TestedAlert: jsonSchemaOf(answers.testedAlert),
    Alert: jsonSchemaOf(alertPayload),
  } satisfies Record<string, JsonSchema>
}
