/** Query parameters that several of the operator's routes have. */
import { invalidQuery } from './invalid-query.ts'

export type Query = Partial<Record<string, string>>

/** The rows of a page. @throws GatewayError `invalid_parameter` for `limit`. */
export function limitParameter(query: Query, limitDefault: number, limitMax: number): number {
  const limit = Number(query['limit'] ?? limitDefault)
  if (!Number.isInteger(limit) || limit < 1 || limit > limitMax) {
    throw invalidQuery('limit', `a whole number from 1 to ${limitMax}`)
  }
  return limit
}

/** @throws GatewayError `invalid_parameter` for a text that is none of the choices. */
export function choiceParameter<Choice extends string>(
  name: string,
  text: string,
  choices: readonly Choice[],
): Choice {
  const found = choices.find((known) => known === text)
  if (found === undefined) throw invalidQuery(name, choices.map((known) => `'${known}'`).join(' or '))
  return found
}
