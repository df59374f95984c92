/**
 * References to what the vendor's account stores. All keys share that account, so a key could reach whatever it knows the id
 * of, also what another key has left there.
 *
 * The upstream tells the two APIs apart by the fields of a request. So the fields of both are searched in either.
 * Source: OpenAI's `CreateResponse`, `InputItem`, `Tool` and `ChatCompletionRequestMessage`.
 */
import { field } from '../wire/field.ts'
import type { Path } from '../wire/parameter-text.ts'
import { CALLER_TOOLS } from './api.ts'
import { isPlainList } from './skip-plain-messages.ts'

export interface StoredReference {
  path: Path
  /** What to send instead: sentences for the caller. */
  instead: string
}

const NOT_STORED =
  "This gateway does not store responses. Leave out this parameter, and send the earlier items in 'input' instead."
const WITH_AI_SDK = 'With the AI SDK, set providerOptions: { openai: { store: false } }.'
const NO_ITEM = `This gateway does not store items, and takes none by its id. Send the whole item instead. ${WITH_AI_SDK}`
const NO_REASONING =
  'This gateway does not store reasoning. Ask for it with include: ["reasoning.encrypted_content"], and send the item with ' +
  `its 'encrypted_content', or leave the item out. ${WITH_AI_SDK}`
const NO_AUDIO = "This gateway does not store audio. Send the answer's text in 'content' instead."
const NO_CONTAINER = 'This gateway takes no container by its id. Send {"type": "auto"} instead.'
const NO_FILE =
  'This gateway takes nothing that is stored with the vendor of the model. Send the content itself instead: ' +
  "a file in 'file_data', an image as a data URL in 'image_url'."

/** Parameters that refer to stored responses, conversations and prompts. */
const PARAMETERS: readonly (readonly [name: string, instead: string])[] = [
  ['previous_response_id', NOT_STORED],
  ['conversation', NOT_STORED],
  [
    'prompt',
    "This gateway does not use stored prompts. Leave out this parameter, and send the prompt's text in 'instructions' and 'input' instead.",
  ],
]

/** Fields with the ids of files, containers, vector stores and skills. An object in `container` asks for a new one. */
const ID_FIELDS: ReadonlySet<string> = new Set([
  'container',
  'file_id',
  'file_ids',
  'container_id',
  'vector_store_id',
  'vector_store_ids',
  'skill_id',
])

/** The first reference of a request; `undefined` without one. The request's depth must be bounded. */
export function storedReference(request: unknown): StoredReference | undefined {
  for (const [name, instead] of PARAMETERS) {
    if (field(request, name) != null) return { path: [name], instead }
  }
  return (
    inList(request, 'input', inTurn) ?? inList(request, 'messages', inTurn) ?? inList(request, 'tools', inAny)
  )
}

function inList(
  request: unknown,
  name: string,
  find: (value: unknown) => StoredReference | undefined,
): StoredReference | undefined {
  const values: unknown = field(request, name)
  if (!Array.isArray(values) || isPlainList(values)) return undefined
  for (let index = 0; index < values.length; index += 1) {
    const found = find(values[index])
    if (found !== undefined) return { ...found, path: [name, index, ...found.path] }
  }
  return undefined
}

/** The reference of a message or an item. */
function inTurn(turn: unknown): StoredReference | undefined {
  const type = field(turn, 'type')
  if (type === 'item_reference') return { path: [], instead: NO_ITEM }
  if (field(turn, 'id') != null) {
    // The type of a reference is optional. A message without a type has a role.
    if (type == null && field(turn, 'role') == null) return { path: [], instead: NO_ITEM }
    // The vendor looks these items up where they come without their content.
    if (type === 'reasoning' && !field(turn, 'encrypted_content')) return { path: [], instead: NO_REASONING }
    if (type === 'image_generation_call' && !field(turn, 'result')) return { path: [], instead: NO_ITEM }
  }
  if (field(field(turn, 'audio'), 'id') != null) return { path: ['audio', 'id'], instead: NO_AUDIO }
  return inAny(turn)
}

function inAny(value: unknown): StoredReference | undefined {
  const path = pathOfId(value)
  return path && { path, instead: path.at(-1) === 'container' ? NO_CONTAINER : NO_FILE }
}

/** The path of the first id at any depth. */
function pathOfId(value: unknown): Path | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value)) return pathOfIdIn(value)
  // The schemas of the caller's own tools may name their fields as they like.
  if (CALLER_TOOLS.has(field(value, 'type'))) return undefined
  for (const name of Object.keys(value)) {
    const inner: unknown = field(value, name)
    // An answer's citations name their source, and the vendor does not look them up.
    if (name === 'annotations') continue
    if (ID_FIELDS.has(name) && isId(inner)) return [name]
    const path = pathOfId(inner)
    if (path !== undefined) return [name, ...path]
  }
  return undefined
}

function pathOfIdIn(values: readonly unknown[]): Path | undefined {
  for (let index = 0; index < values.length; index += 1) {
    const path = pathOfId(values[index])
    if (path !== undefined) return [index, ...path]
  }
  return undefined
}

function isId(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : typeof value === 'string'
}
