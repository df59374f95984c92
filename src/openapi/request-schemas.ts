/** The bodies of requests, from the schemas that validate them, with what JSON Schema or zod cannot say. */
import { groupCreation, groupUpdate, keyCreation, keyRotation, keyUpdate } from '../admin/requests.ts'
import { chatCompletionRequest } from '../apis/chat-completions-schema.ts'
import { SAFETY_IDENTIFIER_CHARACTERS_MAX } from '../apis/parameter-shapes.ts'
import { responsesRequest } from '../apis/responses-schema.ts'
import { limitsSchema } from '../limits/limits.ts'
import { type JsonSchema, jsonSchemaOf, schemaAt } from './json-schema.ts'

export const LIMIT_TEXTS = {
  requestsPerMinute: 'Requests in any 60 seconds.',
  requestsPerDay: 'Requests from 00:00 UTC.',
  tokensPerMinute: 'Prompt and completion tokens in any 60 seconds.',
  concurrentRequests: 'Requests under way at one time.',
  completionTokensPerRequest:
    'The most completion tokens that a request may ask for, reasoning included. More is lowered to it.',
  mode: 'How much demand above a limit of a minute passes while counts are old. With `exact` the account counts.',
  budget: 'Dollars to spend in the period.',
}

const { completionTokensPerRequest: _cap, mode: _mode, ...GROUP_LIMIT_TEXTS } = LIMIT_TEXTS

export const MEMBERSHIP_TEXTS = {
  group: 'The id of the group whose limits and budget hold for the key too.',
  models: 'Names of the models that the key may use; all where it is absent.',
  allowedAddresses:
    'IPv4 and IPv6 addresses and ranges from which the key may be used; from anywhere where it is absent.',
}

const SHARED_TEXTS = {
  model: 'An id from `GET /v1/models`.',
  stream: 'Send the answer as events while the model writes it.',
  store:
    'The gateway sends `false` upstream, unless the operator has set `VENDOR_STORAGE`. It names a `true` in `x-gateway-dropped-parameters`.',
  service_tier: '`auto` or `default`. The operator can allow others (`ALLOWED_EXTRAS`).',
  safety_identifier: `At most ${SAFETY_IDENTIFIER_CHARACTERS_MAX} characters.`,
}

const REFUSED_BY_O3_MINI = 'o3-mini refuses it. The operator can have it dropped (`UNSUPPORTED_PARAMETERS`).'

const CHAT_TEXTS = {
  ...SHARED_TEXTS,
  messages: 'The conversation so far.',
  max_completion_tokens: 'The longest completion, reasoning included.',
  max_tokens: REFUSED_BY_O3_MINI,
  temperature: REFUSED_BY_O3_MINI,
  top_p: REFUSED_BY_O3_MINI,
  presence_penalty: REFUSED_BY_O3_MINI,
  frequency_penalty: REFUSED_BY_O3_MINI,
  logprobs: REFUSED_BY_O3_MINI,
  logit_bias: REFUSED_BY_O3_MINI,
  parallel_tool_calls: REFUSED_BY_O3_MINI,
  stream_options: 'Allowed only with `stream: true`.',
  response_format: 'JSON, or JSON that fits a schema.',
  web_search_options: 'Refused, unless the operator allows `web_search` (`ALLOWED_EXTRAS`).',
}

const RESPONSES_TEXTS = {
  ...SHARED_TEXTS,
  input: 'A prompt, or all items of the conversation so far. The gateway takes no item by its id.',
  background: 'Only `false`: this gateway does not run responses in the background.',
  previous_response_id: 'Refused: this gateway does not store responses. Send earlier items in `input`.',
  conversation: 'Refused: this gateway does not store conversations. Send earlier items in `input`.',
  max_output_tokens: 'The longest output, reasoning included.',
  include: 'With `reasoning.encrypted_content` the answer has reasoning that can be sent back.',
  tools: 'Tools of the caller. The operator can allow tools that the vendor runs (`ALLOWED_EXTRAS`).',
  truncation: '`auto` or `disabled`.',
}

/** Descriptions of the properties of each schema. */
export const REQUEST_TEXTS = {
  ChatCompletionRequest: CHAT_TEXTS,
  ResponsesRequest: RESPONSES_TEXTS,
  Limits: LIMIT_TEXTS,
  LimitsChange: LIMIT_TEXTS,
  KeyCreation: {
    name: 'A name for people.',
    expiresAt: 'A time in the future, with a time zone; null or absent for never.',
    group: `${MEMBERSHIP_TEXTS.group} Null or absent for none.`,
    models:
      'Names in `GET /admin/models`. The key may use these models alone, with their aliases. Null or absent for all.',
    allowedAddresses:
      'IPv4 and IPv6 addresses and ranges (CIDR). The key may be used from these alone. Null or absent for anywhere.',
  },
  KeyUpdate: {
    expiresAt: 'A time in the future, with a time zone; null for never.',
    disabled: 'A disabled key is refused.',
    limits: 'The given limits are set, and null removes a limit.',
    group: 'The id of another group; null for none.',
    models: 'They replace the list; null for all models.',
    allowedAddresses: 'They replace the list; null for anywhere.',
  },
  GroupLimits: GROUP_LIMIT_TEXTS,
  GroupLimitsChange: GROUP_LIMIT_TEXTS,
  GroupCreation: { name: 'A name for people.' },
  GroupUpdate: { limits: 'The given limits are set, and null removes a limit.' },
  KeyRotation: { graceSeconds: 'Seconds for which the old secret stays good; 0 by default.' },
}

export function requestSchemas() {
  const chat = withCharactersMax(jsonSchemaOf(chatCompletionRequest))
  const message = schemaAt(chat, 'properties', 'messages', 'items')
  const limits = jsonSchemaOf(limitsSchema)
  const update = jsonSchemaOf(keyUpdate)
  const newGroup = jsonSchemaOf(groupCreation)
  const groupChange = jsonSchemaOf(groupUpdate)
  return {
    ChatCompletionRequest: chat,
    ChatMessage: message,
    ChatContent: schemaAt(message, 'oneOf', '0', 'properties', 'content'),
    ChatTool: schemaAt(chat, 'properties', 'tools', 'anyOf', '0', 'items'),
    ResponsesRequest: withCharactersMax(responsesBody()),
    Limits: limits,
    LimitsChange: schemaAt(update, 'properties', 'limits'),
    Budget: schemaAt(limits, 'properties', 'budget'),
    KeyCreation: jsonSchemaOf(keyCreation),
    KeyUpdate: update,
    KeyRotation: jsonSchemaOf(keyRotation),
    GroupLimits: schemaAt(newGroup, 'properties', 'limits'),
    GroupLimitsChange: schemaAt(groupChange, 'properties', 'limits'),
    GroupCreation: newGroup,
    GroupUpdate: groupChange,
  } satisfies Record<string, JsonSchema>
}

/** The schema has two parameters only to refuse them. The body of another API is not described, and its refusal says why. */
function responsesBody(): JsonSchema {
  const schema = jsonSchemaOf(responsesRequest)
  const { messages: _messages, ...properties } = schema.properties ?? {}
  return { ...schema, properties: { ...properties, background: { enum: [false, null] } } }
}

/** The gateway counts characters as JSON Schema does, by a check of its own that zod cannot translate. */
function withCharactersMax(schema: JsonSchema): JsonSchema {
  const identifier = {
    ...schema.properties?.['safety_identifier'],
    maxLength: SAFETY_IDENTIFIER_CHARACTERS_MAX,
  }
  return { ...schema, properties: { ...schema.properties, safety_identifier: identifier } }
}
