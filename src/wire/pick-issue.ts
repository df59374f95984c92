/** Picks the one issue to tell a caller about, of all that a schema found. */
import type * as z from 'zod/mini'
import { type Path, valueAt } from './parameter-text.ts'

export type Issue = z.core.$ZodIssue

/** An issue together with the place and the value it is about. */
export interface PickedIssue<Of extends Issue = Issue> {
  issue: Of
  path: Path
  value: unknown
}

/**
 * The first issue, since schemas list their fields in the order in which errors should be reported. Where it is a union's,
 * the issue of the branch that the caller seems to have meant. `undefined` without issues.
 */
export function pickIssue(issues: readonly Issue[], input: unknown): PickedIssue | undefined {
  let [next] = issues
  let picked: PickedIssue | undefined
  while (next !== undefined) {
    const path: Path = [...(picked?.path ?? []), ...next.path]
    picked = { issue: next, path, value: valueAt(input, path) }
    next = next.code === 'invalid_union' ? likeliest(next.errors, picked.value) : undefined
  }
  return picked
}

/** Whether two values have one JSON type, as far as a list of allowed values can tell. */
export function sameType(one: unknown, other: unknown): boolean {
  return typeof one === typeof other && (one === null) === (other === null)
}

/** The first issue of the branch that fits best: it accepts the value's type, matches furthest and has the fewest issues. */
function likeliest(branches: readonly Issue[][], value: unknown): Issue | undefined {
  let best: Issue[] = []
  for (const branch of branches) {
    if (branch.some((issue) => refusesType(issue, value))) continue
    const further = depth(branch) - depth(best)
    if (further > 0 || (further === 0 && branch.length < best.length)) best = branch
  }
  return best[0]
}

/** How far a branch matched before its first issue. A wrong value is likely a tag, and then the caller meant another branch. */
function depth([first]: readonly Issue[]): number {
  if (first === undefined) return -1
  return first.path.length - (first.code === 'invalid_value' ? 0.5 : 0)
}

function refusesType(issue: Issue, value: unknown): boolean {
  if (issue.path.length > 0) return false
  if (issue.code === 'invalid_value') return !issue.values.some((allowed) => sameType(allowed, value))
  if (issue.code !== 'invalid_union') return issue.code === 'invalid_type'
  const branches: readonly Issue[][] = issue.errors
  return branches.length > 0 && branches.every((branch) => branch.some((inner) => refusesType(inner, value)))
}
