/** An error that an upstream reports within an answer or a stream. */
import { field } from '../../wire/field.ts'
import { textOf } from './json.ts'

/** OpenAI's error object. */
export interface AnswerError {
  message: string
  type: string
  param: string | null
  code: string | null
}

/** The error of a failed response, of an `error` event in either of its shapes, or of a chat chunk. */
export function answerErrorOf(error: unknown): AnswerError {
  const code = textOf(field(error, 'code')) || null
  const type = textOf(field(error, 'type'))
  return {
    message: textOf(field(error, 'message')) || 'The model failed to answer.',
    // The flat shape has the type of the event in its place, and a failed response has none.
    type: type === '' || type === 'error' ? typeOf(code) : type,
    param: textOf(field(error, 'param')) || null,
    code,
  }
}

/** The error that the data of a stream's event tell, in either format; `null` where they tell none. */
export function errorOfEvent(event: unknown): AnswerError | null {
  const type = field(event, 'type')
  if (type === 'response.failed') return answerErrorOf(field(field(event, 'response'), 'error'))
  const error = field(event, 'error') ?? (type === 'error' ? event : null)
  return error === null ? null : answerErrorOf(error)
}

function typeOf(code: string | null): string {
  if (code === null || code === 'server_error') return 'server_error'
  return code === 'rate_limit_exceeded' ? 'requests' : 'invalid_request_error'
}
