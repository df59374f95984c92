/** The failure of a query parameter that the operator sends. */
import { GatewayError, invalidParameter } from '../failure.ts'

/** `expected` completes the sentence `Invalid '…': expected …`. */
export function invalidQuery(param: string, expected: string): GatewayError {
  return new GatewayError(invalidParameter(param, `Invalid '${param}': expected ${expected}.`))
}
