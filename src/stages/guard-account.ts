/** Refuses what reaches into the vendor's account or costs more than tokens, unless the operator allows it. */
import type { MiddlewareHandler } from 'hono'
import { findExtra } from '../apis/extras.ts'
import { storedReference } from '../apis/stored-references.ts'
import type { Gateway, ModelInput } from '../context.ts'
import { GatewayError, invalidParameter } from '../failure.ts'
import { pathOf } from '../wire/parameter-text.ts'

/** @throws GatewayError `invalid_parameter` with OpenAI's code `unsupported_parameter` or `unsupported_value`. */
export function guardAccount(): MiddlewareHandler<Gateway, string, ModelInput> {
  return function guardAccount(c, next) {
    const request = c.req.valid('json')
    const { vendorStorage, allowedExtras } = c.get('config')
    const reference = vendorStorage === 'never' ? storedReference(request) : undefined
    if (reference !== undefined) {
      throw new GatewayError(
        invalidParameter(pathOf(reference.path), reference.instead, 'unsupported_parameter'),
      )
    }
    const extra = findExtra(request, allowedExtras)
    if (extra !== undefined) {
      throw new GatewayError(invalidParameter(pathOf(extra.path), extra.message, 'unsupported_value'))
    }
    return next()
  }
}
