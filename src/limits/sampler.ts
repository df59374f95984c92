/**
 * Samples the requests of a quiet isolate, so that peers can estimate the demand of all quiet isolates.
 *
 * A request is drawn with a probability p, and a drawn request stands for 1 ÷ p such requests (Horvitz and Thompson, 1952).
 * The sum over all isolates has the right mean, however few requests each of them sees.
 */

import type { Cost, WindowLimits } from './decision.ts'
import { QUIET_SHARE } from './sync-schedule.ts'

/** The largest p, so that a quiet isolate writes at most once for three requests in the mean. */
export const DRAW_PROBABILITY_MAX = 1 / 3

/** The demand that drawn requests stand for, in whole numbers. */
export interface Sample {
  readonly requests: number
  readonly tokens: number
}

const NOTHING: Sample = { requests: 0, tokens: 0 }

export class Sampler {
  /** The drawn requests that are not published yet. */
  drawn: Sample = NOTHING
  readonly #random: () => number

  /** `random` returns a number from 0 up to 1. */
  constructor(random: () => number) {
    this.#random = random
  }

  /** Draws the request, or not. */
  draw(cost: Cost, limits: WindowLimits): void {
    const probability = drawProbability(cost, limits)
    if (this.#random() >= probability) return
    this.drawn = {
      requests: this.drawn.requests + this.#whole(cost.requests / probability),
      tokens: this.drawn.tokens + this.#whole(cost.tokens / probability),
    }
  }

  /** Subtracts a sample that has been published. */
  subtract({ requests, tokens }: Sample): void {
    this.drawn = {
      requests: Math.max(0, this.drawn.requests - requests),
      tokens: Math.max(0, this.drawn.tokens - tokens),
    }
  }

  /** Forgets the drawn requests, since the isolate publishes its counts again. */
  clear(): void {
    this.drawn = NOTHING
  }

  // Random rounding has the right mean.
  #whole(amount: number): number {
    return Math.floor(amount + this.#random())
  }
}

/**
 * The probability that a request is drawn: its cost as a share of the amount below which an isolate is quiet. The limit with
 * the largest share decides.
 */
export function drawProbability(
  { requests, tokens }: Cost,
  { requestsPerMinute = Infinity, tokensPerMinute = Infinity }: WindowLimits,
): number {
  const share = Math.max(requests / requestsPerMinute, tokens / tokensPerMinute)
  return Math.min(DRAW_PROBABILITY_MAX, share / QUIET_SHARE)
}
