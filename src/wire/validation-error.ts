/**
 * Explains a bad parameter as OpenAI does: with the same `param`, `code` and sentence. It works from the codes of zod's
 * issues, since `zod/mini` has no messages of its own.
 *
 * A schema may say more than its issues do. Its error string names what it expects if it starts in lower case
 * (`z.array(tool, 'an array of objects')`, `z.int('an integer')`), and is the whole message otherwise
 * (`z.string('Give the key a name.')`).
 *
 * The sentences were compared with answers of api.openai.com that people have published in bug reports and tests.
 */
import type * as z from 'zod/mini'
import { invalidParameter, type ParameterFailure } from '../failure.ts'
import { pickIssue, sameType } from './pick-issue.ts'
import type { PickedIssue, Issue } from './pick-issue.ts'
import { joined, kindOf, oneOf, type Path, pathOf, quoted } from './parameter-text.ts'

type IssueOf<Code extends Issue['code']> = Extract<Issue, { code: Code }>

/** OpenAI's names for what zod expects, where they differ. */
const NAMES: Readonly<Record<string, string>> = {
  number: 'a decimal',
  int: 'an integer',
  array: 'an array',
  object: 'an object',
  null: 'null',
}

/** Zod's message where a schema has none of its own. */
const NO_MESSAGE = 'Invalid input'

/**
 * For `safeParse` before `explain`, which tells only the first issue. A body of megabytes may have a million issues, and
 * they would take a second. Zod's own `validate` sets it; its public types leave it out. Where a process has also loaded the whole
 * of zod, issues would have the messages of its language.
 */
export const FIRST_ISSUE_ONLY: z.core.ParseContext<Issue> & { abortEarly: true } = {
  abortEarly: true,
  error: () => NO_MESSAGE,
}

/**
 * The failure to show for the issues that a schema found in `input`. It never throws.
 */
export function explain(issues: readonly Issue[], input: unknown): ParameterFailure {
  const picked = pickIssue(issues, input)
  if (picked === undefined) return failure([], 'invalid_value', 'Invalid request body.')
  const said = describe(picked)
  const own = ownMessage(picked.issue)
  return own !== null && !isName(own) ? { ...said, message: own } : said
}

function describe({ issue, path, value }: PickedIssue): ParameterFailure {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.expected === 'never') return unknownParameter(path)
      return wrongType(path, value, expectations(issue))
    case 'invalid_value':
      return wrongValue(path, value, issue.values)
    case 'invalid_union':
      if ('options' in issue && issue.options !== undefined) return wrongValue(path, value, issue.options)
      if (issue.errors.length === 0) return invalidValue(path)
      return wrongType(path, value, expectations(issue))
    case 'too_big':
      return outOfRange({ issue, path, value }, issue.maximum)
    case 'too_small':
      return outOfRange({ issue, path, value }, issue.minimum)
    case 'unrecognized_keys':
      return unknownParameter([...path, ...issue.keys.slice(0, 1)])
    case 'custom':
      return invalidValue(path, issue.params?.['code'])
    case 'invalid_format':
      return wrongFormat({ issue, path, value })
    // No schema of the gateway has a multiple, a record, a map or a set.
    case 'invalid_element':
    case 'invalid_key':
    case 'not_multiple_of':
      return invalidValue(path)
  }
}

/** The names of all types that would have been right. */
function expectations(issue: Issue): string[] {
  if (issue.code === 'invalid_union') {
    const names = issue.errors.flatMap((branch) =>
      branch.filter((inner) => inner.path.length === 0).flatMap(expectations),
    )
    return [...new Set(names)]
  }
  if (issue.code === 'invalid_value') return [oneOf(issue.values)]
  return issue.code === 'invalid_type' ? [nameOf(issue)] : []
}

function nameOf(issue: IssueOf<'invalid_type'>): string {
  const own = ownMessage(issue)
  return own !== null && isName(own) ? own : (NAMES[issue.expected] ?? `a ${issue.expected}`)
}

function wrongType(path: Path, value: unknown, expected: readonly string[]): ParameterFailure {
  if (value === undefined && path.length > 0) {
    return failure(path, 'missing_required_parameter', `Missing required parameter: ${place(path)}.`)
  }
  const [only = 'another type', ...others] = expected
  const names = [only, ...others].map((name, at) =>
    name.replace(at === 0 ? /^one of / : /^(an?|one of) /, ''),
  )
  const wanted = others.length === 0 ? only : `one of ${joined(names, 'or')}`
  return failure(
    path,
    'invalid_type',
    `Invalid type for ${place(path)}: expected ${wanted}, but got ${kindOf(value)} instead.`,
  )
}

function wrongValue(path: Path, value: unknown, allowed: readonly unknown[]): ParameterFailure {
  if (!allowed.some((one) => sameType(one, value))) return wrongType(path, value, [oneOf(allowed)])
  const supported = joined(allowed.map(quoted), 'and')
  return failure(
    path,
    'invalid_value',
    `Invalid value: ${quoted(value)}. Supported values are: ${supported}.`,
  )
}

function wrongFormat({ issue, path, value }: PickedIssue<IssueOf<'invalid_format'>>): ParameterFailure {
  const own = ownMessage(issue)
  const wanted = own !== null && isName(own) ? own : `the format '${issue.format}'`
  const message = `Invalid ${place(path)}: expected ${wanted}, but got ${quoted(value)} instead.`
  return failure(path, 'invalid_value', message)
}

function outOfRange(
  picked: PickedIssue<IssueOf<'too_big' | 'too_small'>>,
  bound: number | bigint,
): ParameterFailure {
  const { issue, path, value } = picked
  const over = issue.code === 'too_big'
  const side = over ? 'maximum' : 'minimum'
  if (issue.origin === 'string' || issue.origin === 'array') {
    return wrongLength(path, value, {
      origin: issue.origin === 'string' ? 'string' : 'array',
      over,
      expected: `${side} length ${bound}`,
    })
  }
  const noun = ownMessage(issue) === NAMES['int'] ? 'integer' : 'decimal'
  const sign = (over ? '<' : '>') + (issue.inclusive === false ? '' : '=')
  const code = over ? `${noun}_above_max_value` : `${noun}_below_min_value`
  const expected = `Expected a value ${sign} ${bound}, but got ${quoted(value)} instead.`
  return failure(
    path,
    code,
    `Invalid ${place(path)}: ${noun} ${over ? 'above' : 'below'} ${side} value. ${expected}`,
  )
}

function wrongLength(
  path: Path,
  value: unknown,
  { origin, over, expected }: { origin: 'string' | 'array'; over: boolean; expected: string },
): ParameterFailure {
  const length = typeof value === 'string' || Array.isArray(value) ? value.length : 0
  const a = origin === 'array' ? 'an' : 'a'
  const wanted = `Expected ${a} ${origin} with ${expected}`
  if (length === 0) {
    const got = `but got an empty ${origin} instead.`
    return failure(path, `empty_${origin}`, `Invalid ${place(path)}: empty ${origin}. ${wanted}, ${got}`)
  }
  const code = over ? `${origin}_above_max_length` : `${origin}_below_min_length`
  const got = `but got ${a} ${origin} with length ${length} instead.`
  return failure(
    path,
    code,
    `Invalid ${place(path)}: ${origin} too ${over ? 'long' : 'short'}. ${wanted}, ${got}`,
  )
}

function unknownParameter(path: Path): ParameterFailure {
  return failure(path, 'unknown_parameter', `Unknown parameter: ${place(path)}.`)
}

function invalidValue(path: Path, code: unknown = 'invalid_value'): ParameterFailure {
  return failure(path, typeof code === 'string' ? code : 'invalid_value', `Invalid value for ${place(path)}.`)
}

function failure(path: Path, code: string, message: string): ParameterFailure {
  return invalidParameter(pathOf(path), message, code)
}

function place(path: Path): string {
  const param = pathOf(path)
  return param === null ? 'request body' : `'${param}'`
}

function ownMessage(issue: Issue): string | null {
  return issue.message === '' || issue.message.startsWith(NO_MESSAGE) ? null : issue.message
}

function isName(message: string): boolean {
  return /^[a-z]/.test(message)
}
