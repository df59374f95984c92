/**
 * Answers references as a vendor that stores nothing: nothing of that id is found. The items' and the responses' errors are
 * the vendor's own. The texts of the others are guesses.
 */

import { refusal, type Refusal } from './parsed-request.ts'

/** Nulls stand for absent, as they do for the vendor. */
export function missingReference(request: Readonly<Record<string, unknown>>): Refusal | null {
  const { previous_response_id: response, conversation, prompt } = request
  if (response != null) {
    const param = 'previous_response_id'
    return notFound(param, `Previous response with id '${idOf(response)}'`, {
      status: 400,
      code: 'previous_response_not_found',
    })
  }
  if (conversation != null) return notFound('conversation', `Conversation with id '${idOf(conversation)}'`)
  if (prompt != null) return notFound('prompt', `Prompt with id '${idOf(prompt)}'`)
  for (const turn of turnsOf(request)) {
    if (isReference(turn)) return missingItem(idOf(turn))
    const file = partsOf(turn)
      .flatMap((part) => [part['file_id'], fieldsOf(part['file'])['file_id']])
      .find((id) => id != null)
    if (file !== undefined) return notFound('input', `File with id '${idOf(file)}'`)
  }
  return null
}

type Fields = Readonly<Record<string, unknown>>

/** A reference, or reasoning that the vendor would look up: it comes without its content. */
function isReference(turn: Fields): boolean {
  const { type, id, role, encrypted_content: content } = turn
  if (id == null) return false
  return type === 'item_reference' || (type == null && role == null) || (type === 'reasoning' && !content)
}

function missingItem(id: string): Refusal {
  const hint =
    'Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this item from your input.'
  const missing = notFound('input', `Item with id '${id}'`)
  return { ...missing, message: `${missing.message} ${hint}` }
}

function notFound(
  param: string,
  what: string,
  error: Pick<Refusal, 'status' | 'code'> = { status: 404 },
): Refusal {
  return { ...refusal(param, ''), message: `${what} not found.`, ...error }
}

/** An id, or the id of an object. */
function idOf(value: unknown): string {
  const id = fieldsOf(value)['id'] ?? value
  return typeof id === 'string' ? id : JSON.stringify(id)
}

/** The items of a Responses request, or the messages of a chat request. */
function turnsOf({ input, messages }: Fields): Fields[] {
  return [input, messages].filter((list) => Array.isArray(list)).flatMap((list) => list.map(fieldsOf))
}

function partsOf({ content, output }: Fields): Fields[] {
  return [content, output].filter((list) => Array.isArray(list)).flatMap((list) => list.map(fieldsOf))
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
