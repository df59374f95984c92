/** Parameters that several of the operator's routes have. */
import { SORTS } from '../../accounts/key-list.ts'
import { NAME_LENGTH_MAX, RANGE_DAYS_MAX } from '../../admin/requests.ts'
import { GROUP_ID_FORM } from '../../keys/group-id.ts'
import type { Parameter } from '../operation.ts'

/** Its example is the id of no key: the tests put the id of one in its place. */
export const KEY_ID: Parameter = {
  name: 'id',
  in: 'path',
  description: 'The id of a key. It is the part of the secret behind `sk-gw-`.',
  schema: { type: 'string', pattern: '^[0-9A-Za-z]{12}$' },
  example: 'Abc123Abc123',
}

/** Its example is the id of no group, as with `KEY_ID`. */
export const GROUP_ID: Parameter = {
  name: 'id',
  in: 'path',
  description: 'The id of a group.',
  schema: { type: 'string', pattern: GROUP_ID_FORM.source },
  example: 'grp_Abc123Abc123',
}

/** A caller that wants no other model than the one it names. */
export const NO_FALLBACK: Parameter = {
  name: 'x-gateway-no-fallback',
  in: 'header',
  description:
    '`1` for the answer of the named model or its error, whatever other models the operator has listed.',
  schema: { type: 'string', enum: ['1'] },
}

/** It has no example: a cursor is valid for its list alone. */
export const CURSOR: Parameter = {
  name: 'cursor',
  in: 'query',
  description: 'The `nextCursor` of the page before.',
  schema: { type: 'string', minLength: 1 },
}

export const NAME_PREFIX: Parameter = {
  name: 'name',
  in: 'query',
  description: 'The beginning of the name, in any case.',
  schema: { type: 'string', maxLength: NAME_LENGTH_MAX },
  example: 'al',
}

export const SORT: Parameter = {
  name: 'sort',
  in: 'query',
  description: 'The order. `cost` is that of the UTC day so far, dearest first.',
  schema: { type: 'string', enum: SORTS, default: 'created' },
  example: 'cost',
}

export function limit(what: string, limitDefault: number, limitMax: number): Parameter {
  return {
    name: 'limit',
    in: 'query',
    description: `${what} in a page.`,
    schema: { type: 'integer', minimum: 1, maximum: limitMax, default: limitDefault },
    example: limitDefault,
  }
}

/** `?from&to`. */
export function range(daysDefault: number): readonly Parameter[] {
  const from = `The first UTC day, at most ${RANGE_DAYS_MAX} days up to \`to\`; ${daysDefault} by default.`
  return [
    { name: 'from', in: 'query', description: from, schema: DATE, example: '2027-01-01' },
    {
      name: 'to',
      in: 'query',
      description: 'The last UTC day; today by default.',
      schema: DATE,
      example: '2027-01-31',
    },
  ]
}

const DATE = { type: 'string', format: 'date' }
