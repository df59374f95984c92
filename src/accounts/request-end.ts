/** What is booked for the end of a request. No clock, no I/O. */
import type { Model } from '../models/model.ts'
import type { AnswerFacts } from '../upstream/answer-facts.ts'
import type { Usage } from '../wire/usage.ts'
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
}

/** What the price of an end depends on. */
interface EndedRequest {
  keyId: string
  asked: Asked
  /** The AI Gateway whose log has the true usage; `null` where no log is kept. */
  logGatewayId: string | null
}

/** The part of a settlement that depends on the end. */
export type Ending = Omit<SettlementEntry, 'requestId' | 'model' | 'admittedAtMs'>

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
}

/** The upstream's usage, else what is expected of a request that the model has worked on. The means learn from a usage. */
export function endingOf(
  { keyId, asked, logGatewayId }: EndedRequest,
  means: UsageMeans,
  { model, usage, failed, isCharged, seenTokens, answer }: End,
  elapsedMs: number,
): Ending {
  const isCacheHit = answer?.cacheStatus === 'HIT'
  if (usage !== null) {
    if (!isCacheHit) means.learn(keyId, model.id, usage, { choices: asked.choices, elapsedMs })
    return { failed, booked: bookedUsage(usage, isCacheHit ? null : model.prices), certainty: 'exact' }
  }
  if (!isCharged) return { failed, booked: NOTHING_BOOKED, certainty: 'exact' }
  const expected = expectedUsage(asked, { seenTokens, elapsedMs }, means.habits(keyId, model.id), model)
  const booked = { ...expected, costMicroUsd: isCacheHit ? 0 : expected.costMicroUsd }
  const logId = answer?.logId ?? null
  if (logId === null || logGatewayId === null) return { failed, booked, certainty: 'estimated' }
  const log = { gatewayId: logGatewayId, logId, prices: model.prices }
  return { failed, booked, certainty: 'pending', log }
}
