/** The page that the address's hash names. */
import { signal } from '@preact/signals'

export type Route =
  | { page: 'overview' }
  | { page: 'keys' }
  | { page: 'key'; id: string }
  | { page: 'explain'; id: string }
  | { page: 'playground' }

export const route = signal<Route>(routeOf(location.hash))

addEventListener('hashchange', () => (route.value = routeOf(location.hash)))

/** The address of a page, for links. */
export function hrefOf(target: Route): string {
  switch (target.page) {
    case 'overview':
      return '#/'
    case 'key':
      return `#/keys/${target.id}`
    case 'explain':
      return target.id === '' ? '#/explain' : `#/explain/${target.id}`
    case 'keys':
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
  const [, page, id] = hash.split('/')
  if (page === 'keys') return id === undefined || id === '' ? { page } : { page: 'key', id }
  if (page === 'explain') return { page, id: id ?? '' }
  return page === 'playground' ? { page } : { page: 'overview' }
}
