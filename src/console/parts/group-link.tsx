/** A link to a group by its name, or by its id where the name is not known. */
import type { JSX } from 'preact'
import type { Group } from '../api/answers/keys.ts'
import { hrefOf } from '../state/route.ts'

export function GroupLink({ id, groups }: { id: string; groups: readonly Group[] }): JSX.Element {
  const group = groups.find((known) => known.id === id)
  return (
    <a href={hrefOf({ page: 'group', id })}>
      {group === undefined ? <code>{id}</code> : <bdi>{group.name}</bdi>}
    </a>
  )
}
