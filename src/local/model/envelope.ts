/** The fields that the JSON answer and every event of a stream share: id, time and model. */

import { randomText, type Random } from './seeded-random.ts'

/**
 * `created` is this second plus up to a day, by the seed: the same call gives the same bytes. The model was in service
 * at that time.
 */
const CREATED_SECONDS = 1_777_319_807
const DAY_SECONDS = 86_400

/** The model's name in an answer, by slug. */
const SERVED_AS: Record<string, string> = { 'openai/o3-mini': 'o3-mini-2025-01-31' }

export interface Envelope {
  readonly id: string
  readonly created: number
  readonly model: string
  readonly fingerprint: string
  /** The tier that has served the request. */
  readonly serviceTier: string
}

/** For an unknown slug the model's name is its last part. */
export function envelopeOf(slug: string, random: Random): Envelope {
  return {
    id: `chatcmpl-${randomText(random, 29)}`,
    created: CREATED_SECONDS + Math.floor(random() * DAY_SECONDS),
    model: SERVED_AS[slug] ?? slug.slice(slug.lastIndexOf('/') + 1),
    fingerprint: `fp_${Math.floor(random() * 2 ** 40)
      .toString(16)
      .padStart(10, '0')}`,
    serviceTier: 'default',
  }
}
