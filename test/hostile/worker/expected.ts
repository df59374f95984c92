/** What reaches the upstream of a body that is taken: all of it but the model's name. */
import { isObject } from '../../support/arbitrary-from-schema.ts'

/** What the upstream is to get for a text, written as `JSON.stringify` writes it; `null` where it must not get anything. */
export function expectedOf(text: string): string | null {
  let isFinite = true
  const sent: unknown = JSON.parse(text, (_name, value: unknown) => {
    if (typeof value === 'number' && !Number.isFinite(value)) isFinite = false
    return value
  })
  if (!isFinite || !isObject(sent)) return null
  const { model: _model, ...inputs } = sent
  // The one thing that is mended: the catalog wants `content` also beside tool calls.
  if (Array.isArray(inputs['messages'])) {
    inputs['messages'] = inputs['messages'].map((message: unknown) =>
      isObject(message) && message['content'] === undefined ? { ...message, content: null } : message,
    )
  }
  return JSON.stringify(inputs)
}
