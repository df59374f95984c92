/** An accepted body reaches the upstream without its `model`, and with `store: false`. */
import { isObject } from '../../support/arbitrary-from-schema.ts'

/** Returns the inputs expected upstream for a text, as `JSON.stringify` writes them, or `null` if none may arrive. */
export function expectedOf(text: string): string | null {
  let isFinite = true
  const sent: unknown = JSON.parse(text, (_name, value: unknown) => {
    if (typeof value === 'number' && !Number.isFinite(value)) isFinite = false
    return value
  })
  if (!isFinite || !isObject(sent)) return null
  const { model: _model, ...inputs } = sent
  // OpenAI's chat completions refuse metadata without storage.
  if (inputs['store'] === true && 'messages' in inputs && inputs['metadata'] !== null)
    delete inputs['metadata']
  inputs['store'] = false
  // The gateway's only other correction: the catalog requires `content` even beside tool calls.
  if (Array.isArray(inputs['messages'])) {
    inputs['messages'] = inputs['messages'].map((message: unknown) =>
      isObject(message) && message['content'] === undefined ? { ...message, content: null } : message,
    )
  }
  return JSON.stringify(inputs)
}
