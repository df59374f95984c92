/** A month of made-up usage, in the shape of the operator's routes. Its sums agree with each other, and each run has the same. */
import { DAY_MS, dateOf } from '../../src/calendar.ts'
import { costOf, type Prices } from '../../src/models/prices.ts'
import { seededRandom } from '../support/seeded-random.ts'

const O3_MINI: Prices = { inputMicroUsd: 1_100_000, cachedInputMicroUsd: 550_000, outputMicroUsd: 4_400_000 }

/** The prices of the successors, by slug, in micro-dollars a million tokens: input, cached input, output. */
const SUCCESSORS: Readonly<Record<string, Prices>> = {
  'openai/gpt-6-luna': { inputMicroUsd: 100_000, cachedInputMicroUsd: 10_000, outputMicroUsd: 500_000 },
  'openai/gpt-6.1-sol': {
    inputMicroUsd: 2_000_000,
    cachedInputMicroUsd: 100_000,
    outputMicroUsd: 10_000_000,
  },
  'openai/gpt-6-astra': {
    inputMicroUsd: 10_000_000,
    cachedInputMicroUsd: 1_000_000,
    outputMicroUsd: 50_000_000,
  },
}

export const DEMO_GROUPS = [
  { name: 'Customer support', limits: { budget: { usd: 80, period: 'month' }, concurrentRequests: 40 } },
  { name: 'Research', limits: { budget: { usd: 30, period: 'month' }, requestsPerMinute: 300 } },
] as const

/** The keys of the demonstration, with their share of the traffic, in percent, and the name of their group. */
export const DEMO_KEYS = [
  {
    name: 'support-bot',
    share: 46,
    group: 'Customer support',
    limits: { budget: { usd: 60, period: 'month' }, requestsPerMinute: 120 },
  },
  {
    name: 'search-summaries',
    share: 27,
    group: 'Research',
    limits: { budget: { usd: 25, period: 'month' }, tokensPerMinute: 200_000 },
  },
  { name: 'alice', share: 12, group: 'Research', limits: { budget: { usd: 9, period: 'month' } } },
  {
    name: 'nightly-reports',
    share: 9,
    group: null,
    limits: { budget: { usd: 1, period: 'day' }, concurrentRequests: 4 },
  },
  {
    name: 'bob',
    share: 6.1,
    group: 'Customer support',
    limits: { budget: { usd: 4, period: 'month' }, requestsPerDay: 200 },
  },
] as const

interface Sums {
  requests: number
  failures: number
  refused: number
  promptTokens: number
  cachedTokens: number
  completionTokens: number
  reasoningTokens: number
  pending: number
  estimated: number
  costMicroUsd: number
  estimatedMicroUsd: number
}

export interface DemoRow extends Sums {
  date: string
  /** The key's. */
  name: string
  /** The name of the key's group. */
  group: string | null
}

/** A row for each of the last 30 days and each key. */
export function demoRows(nowMs: number): DemoRow[] {
  const random = seededRandom(15)
  return Array.from({ length: 30 }, (_, at) => at - 29).flatMap((offset) => {
    const dayMs = nowMs + offset * DAY_MS
    const isWeekend = [0, 6].includes(new Date(dayMs).getUTCDay())
    const traffic = (isWeekend ? 380 : 1_150) * (0.8 + 0.4 * random()) * (1 + offset / 90)
    return DEMO_KEYS.map(({ name, group, share }): DemoRow => {
      const requests = Math.round((traffic * share * (0.8 + 0.4 * random())) / 100)
      const promptTokens = Math.round(requests * (900 + 300 * random()))
      const cachedTokens = Math.round(promptTokens * 0.35 * random())
      const completionTokens = Math.round(requests * (420 + 120 * random()))
      const tokens = { promptTokens, cachedTokens, completionTokens }
      const estimated = Math.round(requests * 0.004 * random())
      const costMicroUsd = costOf(tokens, O3_MINI)
      return {
        date: dateOf(dayMs),
        name,
        group,
        requests,
        failures: Math.round(requests * 0.01 * random()),
        refused: Math.round(requests * 0.02 * random()),
        ...tokens,
        reasoningTokens: Math.round(completionTokens * 0.7),
        pending: offset === 0 ? 1 : 0,
        estimated,
        costMicroUsd,
        estimatedMicroUsd: Math.round((costMicroUsd * estimated) / Math.max(1, requests)),
      }
    })
  })
}

/** The sum of rows as the routes show it, and what it would have cost on another model. */
export function shownSum(rows: readonly DemoRow[], priceAs: string | null = null) {
  const sum = (name: keyof Sums): number => rows.reduce((total, row) => total + row[name], 0)
  const tokens = {
    promptTokens: sum('promptTokens'),
    cachedTokens: sum('cachedTokens'),
    completionTokens: sum('completionTokens'),
  }
  const other = SUCCESSORS[priceAs ?? '']
  return {
    requests: sum('requests'),
    failures: sum('failures'),
    refused: sum('refused'),
    ...tokens,
    reasoningTokens: sum('reasoningTokens'),
    pending: sum('pending'),
    estimated: sum('estimated'),
    costUsd: sum('costMicroUsd') / 1e6,
    estimatedUsd: sum('estimatedMicroUsd') / 1e6,
    ...(other === undefined ? {} : { pricedAsUsd: costOf(tokens, other) / 1e6 }),
  }
}
