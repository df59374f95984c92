/** Reads a body in time, and within what the isolate may hold. Nothing is kept for a caller who has no key. */
import type { Context, MiddlewareHandler, Next } from 'hono'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { isolateOf } from '../isolate.ts'
import { BODY_BYTES_HELD_MAX } from '../limits/body-budget.ts'
import { BODY_BYTES_PER_SECOND_MIN, readInTime } from '../streams/read-in-time.ts'
import { Deadline } from '../timeout.ts'

/** Bytes that are read and dropped of a body that no stage has read, so that its sender sees the answer. */
export const DRAIN_BYTES_MAX = 16 * 1024 * 1024

/** Memory for the first bytes of a body. It doubles as they arrive. */
const FIRST_BYTES = 64 * 1024

/** The media types that Hono's validator parses as JSON. */
const JSON_MEDIA_TYPE = /^\s*application\/([\w.-]+\+)?json\s*(;|$)/i

/**
 * Reads what no stage has read of a body, before the answer goes out, and keeps nothing of it. A client could else miss the
 * answer while it sends, and the unread bytes would break the next request that a proxy such as `wrangler dev` sends over the
 * connection. It ends at the body's deadline. A body that is longer than `DRAIN_BYTES_MAX` stays unread.
 */
export function drainBody(): MiddlewareHandler<Gateway> {
  return async function drainBody(c, next) {
    const deadlineMs = Date.now() + c.get('config').bodyTimeoutMs
    await next()
    if (c.get('bodyBytes') !== undefined) return
    const { body } = c.req.raw
    if (body === null || body.locked || declaredBytes(c) > DRAIN_BYTES_MAX) return
    let bytes = 0
    const deadline = new Deadline()
    await readInTime(body, {
      deadline,
      timeoutMs: deadlineMs - Date.now(),
      firstPlace: new Uint8Array(FIRST_BYTES),
      place({ buffer, length }) {
        bytes += length
        return bytes > DRAIN_BYTES_MAX ? null : new Uint8Array(buffer)
      },
    })
    deadline.end()
  }
}

/**
 * Reads a JSON body, whole and unparsed. It stands after the stage that authenticates. With `unlessEmpty` (default false) a
 * request without a body passes, and counts as `{}`.
 *
 * The isolate's budget counts a body's bytes from their arrival until the request is answered, and a stream until its end: as
 * long as the model thinks, the parsed values take the place of the bytes.
 *
 * @throws GatewayError `unsupported_content_encoding`, `unsupported_content_type`, `body_too_large`, `request_timeout`,
 * `gateway_busy`; `invalid_json` where the body is cut.
 */
export function readJson({ unlessEmpty = false } = {}): MiddlewareHandler<Gateway> {
  return function readJson(c, next) {
    if (unlessEmpty && c.req.raw.body === null) {
      // Many clients declare JSON in every request, also in one without a body.
      Object.assign(c.req.bodyCache, { text: Promise.resolve('{}') })
      return next()
    }
    requireJson(c)
    const handled = readAndHandle(c, next)
    // Without this the runtime drops a request whose client resets: its bytes would be counted for ever, and the stages behind
    // this one would not settle it.
    c.executionCtx.waitUntil(handled.catch(() => undefined))
    return handled
  }
}

/**
 * It must stand before `zValidator('json')`, which takes any other content type for `{}` and would blame the caller for a
 * missing parameter.
 */
function requireJson(c: Context<Gateway>): void {
  const encoding = c.req.header('content-encoding')
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
    throw new GatewayError({ kind: 'unsupported_content_encoding', encoding })
  }
  const contentType = c.req.header('content-type') ?? null
  if (contentType === null || !JSON_MEDIA_TYPE.test(contentType)) {
    throw new GatewayError({ kind: 'unsupported_content_type', contentType })
  }
}

async function readAndHandle(c: Context<Gateway>, next: Next): Promise<void> {
  const { bodyBytesMax } = c.get('config')
  const { bodies } = isolateOf(c.env)
  let heldBytes = 0
  const hold = (bytes: number): boolean => {
    // A body that is alone in the isolate may be as large as the operator allows.
    if (!bodies.hold(bytes, Math.max(BODY_BYTES_HELD_MAX, bodyBytesMax))) return false
    heldBytes += bytes
    return true
  }
  const deadline = new Deadline()
  c.set('deadline', deadline)
  try {
    const body = await readWhole(c, hold, deadline)
    c.set('body', body)
    c.set('bodyBytes', body.length)
    await next()
  } finally {
    const release = (): void => bodies.release(heldBytes)
    const ended = c.get('ended')
    if (ended === undefined) release()
    else void ended.then(release, release)
    // A stream needs the timer until its first output.
    if (ended === undefined) deadline.end()
  }
}

/** `hold` asks for the isolate's budget. */
async function readWhole(
  c: Context<Gateway>,
  hold: (bytes: number) => boolean,
  deadline: Deadline,
): Promise<Uint8Array<ArrayBuffer>> {
  const { bodyBytesMax, bodyTimeoutMs } = c.get('config')
  const { body } = c.req.raw
  const declared = declaredBytes(c)
  if (declared > bodyBytesMax) throw new GatewayError({ kind: 'body_too_large', bodyBytesMax })
  if (body === null) return new Uint8Array(0)
  let bytes = 0
  let capacity = Math.min(declared || bodyBytesMax, FIRST_BYTES)
  const reading = await readInTime(body, {
    deadline,
    timeoutMs: bodyTimeoutMs,
    firstPlace: new Uint8Array(capacity),
    place({ buffer, length }) {
      bytes += length
      if (bytes > bodyBytesMax) throw new GatewayError({ kind: 'body_too_large', bodyBytesMax })
      if (!hold(length)) throw new GatewayError({ kind: 'gateway_busy' })
      // The runtime ends a body at its declared length. The read that would say so costs as much as the one before.
      if (bytes === declared) return null
      if (bytes < capacity) return new Uint8Array(buffer, bytes)
      // A body in chunks gets one byte more than it may have, so that the read of its end has a place.
      capacity = Math.min(2 * capacity, declared || bodyBytesMax + 1)
      return new Uint8Array(buffer.transfer(capacity), bytes)
    },
  })
  switch (reading.end) {
    case 'complete':
      return new Uint8Array(reading.memory, 0, bytes)
    case 'late':
      throw new GatewayError({
        kind: 'request_timeout',
        timeoutMs: bodyTimeoutMs,
        bytesPerSecondMin: BODY_BYTES_PER_SECOND_MIN,
      })
    case 'broken':
      throw new GatewayError({ kind: 'invalid_json', empty: false }, 'body_broken')
  }
}

/** The body's `content-length`; 0 where it is sent in chunks. */
function declaredBytes(c: Context<Gateway>): number {
  return Number(c.req.header('content-length') ?? 0)
}

/** Frees the body's text, once its values are in use. Hono would keep it for the minutes that the model may think. */
export function forgetBody(c: Context<Gateway>): void {
  c.req.bodyCache = {}
}
