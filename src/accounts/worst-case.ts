/** The most that a request can cost, before the model is asked. */
import type { Model } from '../models/model.ts'
import { dearestRates } from '../models/prices.ts'

/** The figures of a model on which a price depends. */
export type PricedModel = Pick<Model, 'contextTokens' | 'outputTokensMax' | 'prices'>

/** The size of a request. */
export interface Asked {
  /**
   * UTF-8 bytes of the body, with messages, tools and schemas. No token is shorter than a byte, and the JSON around a message
   * is longer than what the chat format adds.
   */
  bodyBytes: number
  /** Whether the prompt can be longer than the body: images, files, references and hosted tools. */
  hasContentElsewhere: boolean
  /** The caller's cap on one choice, reasoning included; `undefined` where the body has none. */
  tokenCap: number | undefined
  /** Answers that the caller wants, at least 1. */
  choices: number
  /**
   * The price of a service tier as a multiple of the model's; of the tier that was asked for where none is named. Absent where
   * no tier has a price of its own.
   */
  priceFactor?: (servedTier?: string) => number
}

/** In micro-dollars, rounded up once, at least 1. A cheap tier may be served at the usual price. */
export function worstCaseMicroUsd(asked: Asked, model: PricedModel): number {
  const promptTokens = promptTokensMax(asked, model)
  const { inputMicroUsd, outputMicroUsd } = dearestRates(model.prices, promptTokens)
  const inputs = promptTokens * inputMicroUsd
  const outputs = completionTokensMax(asked, model) * outputMicroUsd
  return Math.max(1, Math.ceil((Math.max(1, asked.priceFactor?.() ?? 1) * (inputs + outputs)) / 1_000_000))
}

/** The largest prompt that the body can be. */
export function promptTokensMax(
  { bodyBytes, hasContentElsewhere }: Asked,
  { contextTokens }: PricedModel,
): number {
  return hasContentElsewhere ? contextTokens : Math.min(bodyBytes, contextTokens)
}

/** The most completion tokens of all choices. */
export function completionTokensMax({ tokenCap, choices }: Asked, { outputTokensMax }: PricedModel): number {
  return Math.min(tokenCap ?? Infinity, outputTokensMax) * choices
}
