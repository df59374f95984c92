/** Makes the upstream's inputs of the caller's body: without `model`, and with what the model is known to stumble over mended. */
import type { MiddlewareHandler } from 'hono'
import type { Gateway, ModelInput } from '../context.ts'
import { GatewayError } from '../failure.ts'
import type { ChatCompletionRequest } from '../apis/chat-completions-schema.ts'

/**
 * What happens to parameters that the model refuses is the operator's choice (`UNSUPPORTED_PARAMETERS`): `forward` lets
 * the model say so itself, `reject` says it in its place, `drop` takes them away and tells in a header.
 *
 * @throws GatewayError `invalid_parameter` with OpenAI's code `unsupported_parameter`.
 */
export function adapt(): MiddlewareHandler<Gateway, string, ModelInput> {
  return async function adapt(c, next) {
    const { model: _name, ...inputs } = c.req.valid('json')
    const isChat = 'messages' in inputs
    const policy = c.get('config').unsupportedParameters
    if (policy !== 'forward') {
      const refused = c.get('model').refusedParameters.filter((name) => Reflect.get(inputs, name) != null)
      const successor = isChat ? 'max_completion_tokens' : 'max_output_tokens'
      const [param] = refused
      if (policy === 'reject' && param !== undefined) throw new GatewayError(unsupported(param, successor))
      if (param !== undefined) c.get('answerHeaders')['x-gateway-dropped-parameters'] = refused.join(', ')
      for (const name of refused) drop(inputs, name, successor)
    }
    if (isChat) inputs.messages = withContent(inputs.messages)
    c.set('inputs', inputs)
    // The model may think for minutes: until then Hono would keep the body's bytes and its text beside the inputs.
    c.req.bodyCache = {}
    await next()
  }
}

/** `successor` is the name under which a reasoning model knows the limit `max_tokens`. */
function drop(inputs: Record<string, unknown>, name: string, successor: string): void {
  if (name === 'max_tokens') inputs[successor] ??= inputs[name]
  Reflect.deleteProperty(inputs, name)
}

/** The catalog's schema wants `content` in every message; OpenAI's own has it optional beside tool calls. */
function withContent(messages: ChatCompletionRequest['messages']): ChatCompletionRequest['messages'] {
  if (messages.every((message) => message.content !== undefined)) return messages
  return messages.map((message) => (message.content === undefined ? { ...message, content: null } : message))
}

function unsupported(param: string, successor: string) {
  const instead = param === 'max_tokens' ? ` Use '${successor}' instead.` : ''
  const message = `Unsupported parameter: '${param}' is not supported with this model.${instead}`
  return { kind: 'invalid_parameter' as const, param, code: 'unsupported_parameter', message }
}
