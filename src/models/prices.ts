/** What the tokens of a request cost. */
import type { Usage } from '../wire/usage.ts'

/** Tokens that a rate is for. */
const RATED_TOKENS = 1_000_000
/** Micro-dollars in a dollar. */
const MICRO_USD = 1_000_000

/** Micro-dollars for a million tokens, so that costs are whole numbers all the way to the bill. */
export interface Rates {
  inputMicroUsd: number
  /** For the part of the prompt that was read from the vendor's cache. */
  cachedInputMicroUsd: number
  /** For the part of the prompt that was written to it. Default: the rate of the input. */
  cacheWriteMicroUsd?: number | undefined
  outputMicroUsd: number
}

export interface Prices extends Rates {
  /** The rates of a request whose prompt has more than so many tokens. They are for all tokens of the request. */
  longContext?: (Rates & { aboveTokens: number }) | undefined
}

/** The tokens on which a cost depends. Booked usage has no cache writes: their price is in its cost. */
export type PricedTokens = Pick<Usage, 'promptTokens' | 'cachedTokens' | 'completionTokens'> &
  Partial<Pick<Usage, 'cacheWriteTokens'>>

/**
 * The cost in whole micro-dollars, rounded up once. Cached and written tokens are parts of the prompt, and no token is both.
 * Reasoning is part of the completion.
 */
export function costOf(tokens: PricedTokens, prices: Prices): number {
  const { promptTokens, cachedTokens, cacheWriteTokens = 0, completionTokens } = tokens
  const { longContext } = prices
  const rates = longContext !== undefined && promptTokens > longContext.aboveTokens ? longContext : prices
  const { inputMicroUsd, cachedInputMicroUsd, cacheWriteMicroUsd = inputMicroUsd, outputMicroUsd } = rates
  const cached = Math.min(cachedTokens, promptTokens)
  const written = Math.min(cacheWriteTokens, promptTokens - cached)
  const inputs =
    (promptTokens - cached - written) * inputMicroUsd +
    cached * cachedInputMicroUsd +
    written * cacheWriteMicroUsd
  return Math.ceil((inputs + completionTokens * outputMicroUsd) / RATED_TOKENS)
}

/** The prices times a factor: those of another service tier. */
export function scaledPrices(prices: Prices, factor: number): Prices {
  if (factor === 1) return prices
  const { longContext } = prices
  const scaled = scaledRates(prices, factor)
  if (longContext === undefined) return scaled
  return {
    ...scaled,
    longContext: { ...scaledRates(longContext, factor), aboveTokens: longContext.aboveTokens },
  }
}

function scaledRates(rates: Rates, factor: number): Rates {
  const { inputMicroUsd, cachedInputMicroUsd, cacheWriteMicroUsd, outputMicroUsd } = rates
  return {
    inputMicroUsd: inputMicroUsd * factor,
    cachedInputMicroUsd: cachedInputMicroUsd * factor,
    cacheWriteMicroUsd: (cacheWriteMicroUsd ?? inputMicroUsd) * factor,
    outputMicroUsd: outputMicroUsd * factor,
  }
}

/** The rates that a token of a request can have at most. A prompt that cannot reach the long-context step has the usual ones. */
export function dearestRates(
  { longContext, ...usual }: Prices,
  promptTokensMax: number,
): Pick<Rates, 'inputMicroUsd' | 'outputMicroUsd'> {
  const isLong = longContext !== undefined && promptTokensMax > longContext.aboveTokens
  const all: Rates[] = isLong ? [usual, longContext] : [usual]
  return {
    inputMicroUsd: Math.max(
      ...all.flatMap((rates) => [
        rates.inputMicroUsd,
        rates.cachedInputMicroUsd,
        rates.cacheWriteMicroUsd ?? 0,
      ]),
    ),
    outputMicroUsd: Math.max(...all.map((rates) => rates.outputMicroUsd)),
  }
}

/** Dollars for a million tokens, as vendors publish them. */
export interface UsdRates {
  input: number
  /** Default: the price of the input. */
  cachedInput?: number | undefined
  /** Default: the price of the input. */
  cacheWrite?: number | undefined
  output: number
}

export interface UsdPrices extends UsdRates {
  longContext?: (UsdRates & { aboveTokens: number }) | undefined
}

export function pricesOf({ longContext, ...usual }: UsdPrices): Prices {
  if (longContext === undefined) return ratesOf(usual)
  const { aboveTokens } = longContext
  return { ...ratesOf(usual), longContext: { aboveTokens, ...ratesOf(longContext) } }
}

/** Prices as they are published, in dollars for a million tokens. */
export function usdOf(rates: Rates): Required<UsdRates> {
  return {
    input: rates.inputMicroUsd / MICRO_USD,
    cachedInput: rates.cachedInputMicroUsd / MICRO_USD,
    cacheWrite: (rates.cacheWriteMicroUsd ?? rates.inputMicroUsd) / MICRO_USD,
    output: rates.outputMicroUsd / MICRO_USD,
  }
}

function ratesOf({ input, cachedInput = input, cacheWrite = input, output }: UsdRates): Rates {
  return {
    inputMicroUsd: microUsd(input),
    cachedInputMicroUsd: microUsd(cachedInput),
    cacheWriteMicroUsd: microUsd(cacheWrite),
    outputMicroUsd: microUsd(output),
  }
}

function microUsd(dollars: number): number {
  return Math.round(dollars * MICRO_USD)
}
