/** Compares what the accounts and the directory have booked with what the upstream has served. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Figures } from './soak-upstream.ts'

export const FIGURES = ['requests', 'promptTokens', 'completionTokens'] as const
/** Accounts that are asked at a time. The runtime's socket takes no two hundred new connections at once. */
const ASKED_AT_ONCE = 20
const NOTHING: Figures = { requests: 0, promptTokens: 0, completionTokens: 0 }

export interface Booked {
  id: string
  /** Whether the upstream's log has the usage of each of its requests, so that the books have it to the token. */
  isExact: boolean
}

export interface Books {
  askOperator(path: string): Promise<unknown>
  servedOf(keyId: string): Figures
}

export interface Comparison {
  what: string
  secondsMax: number
  names: readonly (keyof Figures)[]
}

/** Waits until each account has booked what the upstream has served. Returns the differences that stay. */
export async function compareAccounts(
  books: Books,
  keys: readonly Booked[],
  comparison: Comparison,
): Promise<string[]> {
  return compare(books, keys, comparison, async () => {
    const booked: Figures[] = []
    for (let at = 0; at < keys.length; at += ASKED_AT_ONCE) {
      const asked = keys.slice(at, at + ASKED_AT_ONCE).map(async ({ id }) => {
        const { total } = (await books.askOperator(`/admin/keys/${id}/usage`)) as { total: Figures }
        return total
      })
      booked.push(...(await Promise.all(asked)))
    }
    return booked
  })
}

/** Waits until the directory has the same figures in one answer. */
export async function compareDirectory(
  books: Books,
  keys: readonly Booked[],
  secondsMax: number,
): Promise<string[]> {
  return compare(books, keys, { what: 'reported', secondsMax, names: FIGURES }, async () => {
    const { data } = (await books.askOperator('/admin/usage?by=key&limit=1000')) as {
      data: (Figures & { id: string })[]
    }
    return keys.map(({ id }) => data.find((row) => row.id === id) ?? NOTHING)
  })
}

async function compare(
  books: Books,
  keys: readonly Booked[],
  { what, secondsMax, names }: Comparison,
  read: () => Promise<Figures[]>,
): Promise<string[]> {
  let differences: string[] = []
  for (let second = 0; second < secondsMax; second += 1) {
    const booked = await read()
    differences = keys.flatMap(({ id, isExact }, at) => {
      const served = books.servedOf(id)
      return names.flatMap((name) => {
        const stored = booked[at]?.[name] ?? 0
        // A request whose client left before the call is booked, and the upstream has not seen it.
        const isEqual = isExact ? stored === served[name] : name !== 'requests' || stored >= served[name]
        return isEqual ? [] : [`${id}: ${stored} ${name} ${what}, ${served[name]} served`]
      })
    })
    if (differences.length === 0) return []
    await sleep(1000)
  }
  return differences
}
