/** The last stage: calls the model and answers with what it says, byte for byte. */
import type { Context } from 'hono'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { callUpstream } from '../upstream/call.ts'
import type { ChatCompletionRequest } from '../wire/chat-completion-request.ts'

/** Headers of every stream: nothing on the way may cache, compress or hold back a chunk. */
const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // `wrangler dev` would compress the stream otherwise, and so hold chunks back.
  'content-encoding': 'identity',
  'x-accel-buffering': 'no',
}

const JSON_HEADERS = { 'content-type': 'application/json' }

type Validated = { in: { json: unknown }; out: { json: ChatCompletionRequest } }

/** @throws GatewayError whatever `upstream/failures.ts` makes of a failed call. */
export function complete() {
  return async function complete(c: Context<Gateway, string, Validated>): Promise<Response> {
    const { model: _name, ...inputs } = c.req.valid('json')
    const stream = inputs.stream === true
    c.get('log').stream = stream
    const result = await callUpstream(c.env.AI, {
      slug: c.get('model').slug,
      inputs,
      gatewayId: c.get('config').gatewayId,
      signal: c.get('clientGone'),
      stream,
    })
    if (!result.accepted) {
      const { reason, alert } = result.diagnosis
      if (alert !== undefined) c.get('log').alert = alert
      throw new GatewayError(result.failure, reason)
    }
    // None of the upstream's headers goes out: they name its cookies, organisation, limits and request ids.
    return new Response(result.response.body, { headers: stream ? STREAM_HEADERS : JSON_HEADERS })
  }
}
