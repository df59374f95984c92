/** Reads what a key's account has booked, as the operator sees it. */
import { expect, vi } from 'vitest'
import { ADMIN_TOKEN, send } from './gateway.ts'

export interface Totals {
  requests: number
  failures: number
  refused: number
  promptTokens: number
  cachedTokens: number
  completionTokens: number
  reasoningTokens: number
  pending: number
  estimated: number
  costUsd: number
  estimatedUsd: number
}

export interface KeyUsageAnswer {
  id: string
  from: string
  to: string
  deletedAt?: string
  total: Totals
  models: (Totals & { model: string })[]
  days: (Totals & { date: string; models: (Totals & { model: string })[] })[]
}

/** The answer of the operator's route for one key. */
export async function usageOf({ id }: { id: string }, query = ''): Promise<KeyUsageAnswer> {
  const response = await send('GET', `/admin/keys/${id}/usage${query}`, ADMIN_TOKEN)
  expect(response.status).toBe(200)
  return response.json()
}

/** The usage once so many requests are booked. Settlements travel behind the answers. */
export async function usageAfter(key: { id: string }, requests: number): Promise<KeyUsageAnswer> {
  return vi.waitFor(
    async () => {
      const usage = await usageOf(key)
      expect(usage.total.requests).toBe(requests)
      return usage
    },
    { timeout: 5_000, interval: 20 },
  )
}
