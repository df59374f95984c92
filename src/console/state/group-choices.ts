/** The choices of a field that names a group. Pure. */
import type { Group } from '../api/answers.ts'

/** The current group is among them where its name is not known: it is new, or the groups did not load. */
export function groupChoices(
  groups: readonly Group[],
  current: string,
  none: string,
): [id: string, text: string][] {
  const isKnown = current === '' || groups.some(({ id }) => id === current)
  return [
    ['', none],
    ...(isKnown ? [] : ([[current, current]] satisfies [string, string][])),
    ...groups.map(({ id, name }): [string, string] => [id, name]),
  ]
}
