/** Reads an answer that is no stream, and turns it into the caller's format where the upstream speaks the other one. */
import { field } from '../wire/field.ts'
import { parseJson } from '../wire/parse-json.ts'
import { type Usage, usageOfAnswer } from '../wire/usage.ts'
import type { AcceptedResult, UpstreamResult } from './call.ts'
import type { Cancellation } from './cancellation.ts'
import { failureOfAnswer, failureOfError, failureOfNothing, type FailureOutcome } from './failures.ts'
import type { Interpreter } from './translate/translation.ts'

export interface Answer {
  read: true
  body: ArrayBuffer | string
  usage: Usage | null
  /** The model that the answer names. */
  model: unknown
}

/**
 * A larger answer goes out unread, and its usage is not known: text and objects of it beside its bytes would take much of
 * an isolate's 128 MB, and so endanger every other request. It is forty times the longest that o3-mini can give. One that
 * has to be translated fails.
 */
export const ANSWER_BYTES_READ_MAX = 16 * 1024 * 1024

const utf8 = new TextDecoder()

/** Never throws. An SDK could make nothing of a body that is cut or no JSON but an error of its own, so it is a failure. */
export async function readAnswer(
  response: Pick<Response, 'arrayBuffer'>,
  interpreter: Interpreter | null,
  cancellation: Pick<Cancellation, 'race'>,
): Promise<Answer | ({ read: false } & FailureOutcome)> {
  const body = await cancellation.race(response.arrayBuffer()).catch(failureOfError)
  if (!(body instanceof ArrayBuffer)) return { read: false, ...body }
  const isTooLong = body.byteLength > ANSWER_BYTES_READ_MAX
  if (isTooLong && interpreter === null) return { read: true, body, usage: null, model: null }
  const answer = isTooLong ? undefined : parseJson(utf8.decode(body))
  if (answer === undefined) return { read: false, ...failureOfNothing('garbage') }
  if (interpreter === null) return { read: true, body, ...factsOf(answer) }
  const translated = interpreter.answer(answer)
  if (!translated.translated) return { read: false, ...failureOfAnswer(translated.error) }
  return { read: true, body: JSON.stringify(translated.answer), ...factsOf(translated.answer) }
}

/** Reads an accepted answer to its end, so that another model can still answer in the place of a broken one. */
export async function proveAnswer(
  accepted: AcceptedResult,
  interpreter: Interpreter | null,
  attempt: Pick<Cancellation, 'race'>,
): Promise<UpstreamResult> {
  const { headers, body } = accepted.response
  const bytes = await attempt.race(accepted.response.arrayBuffer()).catch(failureOfError)
  if (!(bytes instanceof ArrayBuffer)) return { accepted: false, ...bytes }
  const response = { headers, body, arrayBuffer: () => Promise.resolve(bytes) }
  const answer = await readAnswer(response, interpreter, attempt)
  return answer.read ? { accepted: true, response } : { accepted: false, ...answer }
}

function factsOf(answer: unknown): { usage: Usage | null; model: unknown } {
  return { usage: usageOfAnswer(answer), model: field(answer, 'model') }
}
