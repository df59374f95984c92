/** OpenAI's error envelope. `render-failure.ts` alone fills it. */

/** OpenAI's error object, https://platform.openai.com/docs/guides/error-codes. */
export interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: string | null }
}

export interface RenderedFailure {
  status: number
  headers: Record<string, string>
  body: ErrorBody
}

/** The error object. */
export function envelope(
  message: string,
  type: string,
  param: string | null,
  code: string | null,
): ErrorBody {
  return { error: { message, type, param, code } }
}

/** An error that the request has caused: OpenAI's type `invalid_request_error`. */
export function invalidRequest(
  status: number,
  code: string | null,
  message: string,
  param: string | null = null,
): RenderedFailure {
  return { status, headers: {}, body: envelope(message, 'invalid_request_error', param, code) }
}

/** A 400 of that type. `param` names the parameter. */
export function badRequest(
  message: string,
  param: string | null = null,
  code: string | null = null,
): RenderedFailure {
  return invalidRequest(400, code, message, param)
}

/** A 401, which asks for a bearer token. */
export function unauthorized(code: string | null, message: string): RenderedFailure {
  return { ...invalidRequest(401, code, message), headers: { 'www-authenticate': 'Bearer' } }
}

/** An error of the gateway or of its stores: OpenAI's type `server_error`. */
export function serverError(
  status: number,
  message: string,
  code: string | null = null,
  headers: Record<string, string> = {},
): RenderedFailure {
  return { status, headers, body: envelope(message, 'server_error', null, code) }
}
