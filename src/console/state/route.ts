/** The page that the address's hash names. */
import { signal } from '@preact/signals'

export type Route =
  | { page: 'overview' }
  /** `group`: the id of the group whose keys are shown; absent for all keys. */
  | { page: 'keys'; group?: string | undefined }
  | { page: 'key'; id: string }
  | { page: 'groups' }
  | { page: 'group'; id: string }
  | { page: 'explain'; id: string }
  | { page: 'playground' }

export const route = signal<Route>(routeOf(location.hash))

addEventListener('hashchange', () => (route.value = routeOf(location.hash)))

/** The address of a page, for links. */
export function hrefOf(target: Route): string {
  switch (target.page) {
    case 'overview':
      return '#/'
    case 'keys':
      return target.group === undefined ? '#/keys' : `#/keys?group=${target.group}`
    case 'key':
      return `#/keys/${target.id}`
    case 'group':
      return `#/groups/${target.id}`
    case 'explain':
      return target.id === '' ? '#/explain' : `#/explain/${target.id}`
    case 'groups':
    case 'playground':
      return `#/${target.page}`
  }
}

/** Goes to a page that no link was clicked for. */
export function goTo(target: Route): void {
  location.hash = hrefOf(target)
}

/** An address that is none of the pages shows the overview. */
export function routeOf(hash: string): Route {
  const [path = '', query = ''] = hash.split('?')
  const [, page = '', id = ''] = path.split('/')
  switch (page) {
    case 'keys':
      return id === ''
        ? { page, group: new URLSearchParams(query).get('group') ?? undefined }
        : { page: 'key', id }
    case 'groups':
      return id === '' ? { page } : { page: 'group', id }
    case 'explain':
      return { page, id }
    case 'playground':
      return { page }
    default:
      return { page: 'overview' }
  }
}
