/** The last stage: calls the model and answers with what it says, byte for byte. */
import type { Context } from 'hono'
import type { ChatInput, Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { callUpstream } from '../upstream/call.ts'
import { failureOfError, type FailureOutcome } from '../upstream/failures.ts'
import { field } from '../wire/field.ts'
import { parseUsage, type Usage } from '../wire/usage.ts'

/** Headers of every stream: nothing on the way may cache, compress or hold back a chunk. */
const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // `wrangler dev` would compress the stream otherwise, and so hold chunks back.
  'content-encoding': 'identity',
  'x-accel-buffering': 'no',
}

const JSON_HEADERS = { 'content-type': 'application/json' }

/** @throws GatewayError whatever `upstream/failures.ts` makes of a failed call. */
export function complete() {
  return async function complete(c: Context<Gateway, string, ChatInput>): Promise<Response> {
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
    if (!result.accepted) return giveUp(c, result)
    // None of the upstream's headers goes out: they name its cookies, organisation, limits and request ids.
    return stream
      ? new Response(result.response.body, { headers: STREAM_HEADERS })
      : answerWhole(c, result.response)
  }
}

/**
 * An answer that is no stream goes out when all of it is here: one that breaks off is then an honest 502 and not half a
 * JSON object after a 200, and its usage is known without a second look.
 */
async function answerWhole(c: Context<Gateway>, response: Response): Promise<Response> {
  let body: ArrayBuffer
  try {
    body = await response.arrayBuffer()
  } catch (error) {
    return giveUp(c, failureOfError(error))
  }
  c.get('settle')(usageOf(body))
  return new Response(body, { headers: JSON_HEADERS })
}

function giveUp(c: Context<Gateway>, { failure, diagnosis }: FailureOutcome): never {
  c.get('settle')(null)
  if (diagnosis.alert !== undefined) c.get('log').alert = diagnosis.alert
  throw new GatewayError(failure, diagnosis.reason)
}

function usageOf(body: ArrayBuffer): Usage | null {
  try {
    return parseUsage(field(JSON.parse(new TextDecoder().decode(body)), 'usage'))
  } catch {
    return null
  }
}
