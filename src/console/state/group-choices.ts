/** The choices of a field that names a group. Pure. */
import type { Group } from '../api/answers/keys.ts'

/**
 * The current group is among them where its name is not known: it is new, or the groups did not load. Groups of the same name are
 * told apart by their ids.
 */
export function groupChoices(
  groups: readonly Group[],
  current: string,
  none: string,
): [id: string, text: string][] {
  const isKnown = current === '' || groups.some(({ id }) => id === current)
  const named = Map.groupBy(groups, ({ name }) => name)
  return [
    ['', none],
    ...(isKnown ? [] : ([[current, current]] satisfies [string, string][])),
    ...groups.map(({ id, name }): [string, string] => [
      id,
      (named.get(name)?.length ?? 0) > 1 ? `${name} (${id})` : name,
    ]),
  ]
}
