/** What is booked for the end of a request. No clock, no I/O. */
import type { Model } from '../models/model.ts'
import type { AnswerFacts } from '../upstream/answer-facts.ts'
import type { Usage } from '../wire/usage.ts'
import { scaledPrices } from '../models/prices.ts'
import { bookedUsage } from './booked-usage.ts'
import { expectedUsage } from './expected-usage.ts'
import type { BookedUsage, SettlementEntry } from './protocol.ts'
import type { UsageMeans } from './usage-means.ts'
import type { Asked } from './worst-case.ts'

/** The end of a request. */
export interface End {
  /** The model that has answered or failed. Its prices are billed. */
  model: Model
  /** The usage as the upstream reported it; `null` where it is not known. */
  usage: Usage | null
  /** Whether the upstream failed, before its answer or within it. */
  failed: boolean
  /** Whether the model may have worked. Without a usage, such a request costs what is expected of it, and others nothing. */
  isCharged: boolean
  /** Completion tokens that were seen of the answer. */
  seenTokens: number
  /** What AI Gateway says of the answer; `null` where there was none. */
  answer: AnswerFacts | null
  /** The HTTP status of the answer. */
  status: number
  /** Why the request failed, in the words of the log; `null` for a request that did not fail. */
  reason: string | null
  /** When a stream's first output was relayed, ms since 1970; `null` for other answers. */
  firstOutputAtMs: number | null
}

/** The part of an end where the model has sent nothing that counts. */
export const NO_OUTPUT = { usage: null, seenTokens: 0, answer: null, firstOutputAtMs: null } as const

/** What the price of an end depends on. */
interface EndedRequest {
  keyId: string
  asked: Asked
  /** The AI Gateway whose log has the true usage; `null` where no log is kept. */
  logGatewayId: string | null
}

/** The part of a settlement that depends on the end. */
export type Ending = Omit<SettlementEntry, 'requestId' | 'model' | 'tags' | 'admittedAtMs' | 'admittedBy'>

const NOTHING_BOOKED: BookedUsage = {
  promptTokens: 0,
  cachedTokens: 0,
  completionTokens: 0,
  reasoningTokens: 0,
  costMicroUsd: 0,
}

/** The end of a request that was never sent to the model: only its place is freed. */
export const RELEASED: Ending = {
  failed: false,
  booked: NOTHING_BOOKED,
  certainty: 'exact',
  released: true,
  end: { status: 0, reason: null, firstOutputMs: null, durationMs: 0, logId: null },
}

/** What is booked for the end of a request, and what is remembered of it. Times are ms since 1970. */
export function endingOf(
  request: EndedRequest,
  means: UsageMeans,
  end: End,
  { admittedAtMs, endedAtMs }: { admittedAtMs: number; endedAtMs: number },
): Ending {
  const { failed, status, reason, firstOutputAtMs, answer } = end
  const durationMs = endedAtMs - admittedAtMs
  const firstOutputMs = firstOutputAtMs === null ? null : firstOutputAtMs - admittedAtMs
  return {
    failed,
    ...bookingOf(request, means, end, durationMs),
    end: { status, reason, firstOutputMs, durationMs, logId: answer?.logId ?? null },
  }
}

/** The upstream's usage, else what is expected of a request that the model has worked on. The means learn from a usage. */
function bookingOf(
  { keyId, asked, logGatewayId }: EndedRequest,
  means: UsageMeans,
  { model, usage, isCharged, seenTokens, answer }: End,
  elapsedMs: number,
): Pick<Ending, 'booked' | 'certainty' | 'log'> {
  const isCacheHit = answer?.cacheStatus === 'HIT'
  const prices = scaledPrices(model.prices, asked.priceFactor?.(usage?.serviceTier) ?? 1)
  if (usage !== null) {
    if (!isCacheHit) means.learn(keyId, model.id, usage, { choices: asked.choices, elapsedMs })
    return { booked: bookedUsage(usage, isCacheHit ? null : prices), certainty: 'exact' }
  }
  if (!isCharged) return { booked: NOTHING_BOOKED, certainty: 'exact' }
  const expected = expectedUsage(asked, { seenTokens, elapsedMs }, means.habits(keyId, model.id), model)
  const booked = { ...expected, costMicroUsd: isCacheHit ? 0 : expected.costMicroUsd }
  const logId = answer?.logId ?? null
  if (logId === null || logGatewayId === null) return { booked, certainty: 'estimated' }
  return { booked, certainty: 'pending', log: { gatewayId: logGatewayId, logId, prices } }
}
