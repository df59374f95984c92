/** The model table: the slug, the prices and the end of each public name. */
import * as z from 'zod/mini'
import { integer } from './wire/integer.ts'
import type { Usage } from './wire/usage.ts'

export interface Model {
  /** The name callers use. */
  id: string
  /** The name for `env.AI.run`. */
  slug: string
  /** Unix seconds, as `GET /v1/models` shows it. */
  createdSeconds: number
  ownedBy: string
  contextTokens: number
  outputTokensMax: number
  prices: Prices
  /** Parameters that the model itself refuses with 400 `unsupported_parameter`. */
  refusedParameters: readonly string[]
  /** The last day that the vendor has announced for the model, as `YYYY-MM-DD`. */
  shutdownDate: string | null
}

/** Micro-dollars for a million tokens, so that costs are whole numbers all the way to the bill. */
export interface Prices {
  inputMicroUsd: number
  cachedInputMicroUsd: number
  outputMicroUsd: number
}

export type ModelTable = ReadonlyMap<string, Model>

/** The vendor's published figures for o3-mini, and the parameters that its API refuses for reasoning models. */
const O3_MINI: Model = {
  id: 'o3-mini',
  slug: 'openai/o3-mini',
  createdSeconds: 1_737_146_383,
  ownedBy: 'openai',
  contextTokens: 200_000,
  outputTokensMax: 100_000,
  prices: { inputMicroUsd: 1_100_000, cachedInputMicroUsd: 550_000, outputMicroUsd: 4_400_000 },
  refusedParameters: [
    'max_tokens',
    'temperature',
    'top_p',
    'presence_penalty',
    'frequency_penalty',
    'logprobs',
    'top_logprobs',
    'logit_bias',
    'parallel_tool_calls',
    'prediction',
  ],
  shutdownDate: '2026-10-23',
}

/** Other names of o3-mini. */
const ALIASES = ['o3-mini-2025-01-31', 'openai/o3-mini']

const BUILT_IN: readonly Model[] = [O3_MINI, ...ALIASES.map((id) => ({ ...O3_MINI, id }))]

/** The var `MODELS`: a public name and its slug, or a row with what differs from o3-mini. It is lazy, since few set the var. */
export const modelOverrides = z.lazy(() => {
  const usdPerMillion = z.number().check(z.minimum(0), z.maximum(10_000))
  const slug = z.string().check(z.minLength(1))
  const row = z.strictObject({
    slug,
    contextTokens: z.optional(integer(1)),
    outputTokensMax: z.optional(integer(1)),
    usdPerMillionTokens: z.optional(
      z.strictObject({ input: usdPerMillion, cachedInput: z.optional(usdPerMillion), output: usdPerMillion }),
    ),
    refusedParameters: z.optional(z.array(z.string())),
    shutdownDate: z.nullish(z.string().check(z.minLength(10), z.maxLength(10))),
  })
  return z.record(z.string().check(z.minLength(1), z.maxLength(100)), z.union([slug, row]))
})

/** The cost in whole micro-dollars, rounded up once. Cached tokens are part of the prompt, reasoning of the completion. */
export function costOf({ promptTokens, cachedTokens, completionTokens }: Usage, prices: Prices): number {
  const cached = Math.min(cachedTokens, promptTokens)
  const inputs = (promptTokens - cached) * prices.inputMicroUsd + cached * prices.cachedInputMicroUsd
  return Math.ceil((inputs + completionTokens * prices.outputMicroUsd) / 1_000_000)
}

/**
 * The built-in rows with the operator's over them. A re-pointed name keeps o3-mini's figures where the row gives none,
 * except the shutdown date and the refused parameters, which belong to the model and not to the name. An alias follows o3-mini,
 * unless it has a row of its own.
 */
export function modelTable(overrides: z.output<typeof modelOverrides>): ModelTable {
  const table = new Map(BUILT_IN.map((model) => [model.id, model]))
  for (const [id, value] of Object.entries(overrides)) {
    const row = typeof value === 'string' ? { slug: value } : value
    const known = BUILT_IN.find((model) => model.slug === row.slug)
    const usd = row.usdPerMillionTokens
    table.set(id, {
      id,
      slug: row.slug,
      createdSeconds: O3_MINI.createdSeconds,
      ownedBy: row.slug.split('/', 1)[0] ?? 'openai',
      contextTokens: row.contextTokens ?? O3_MINI.contextTokens,
      outputTokensMax: row.outputTokensMax ?? O3_MINI.outputTokensMax,
      prices: usd === undefined ? O3_MINI.prices : pricesOf(usd),
      refusedParameters: row.refusedParameters ?? known?.refusedParameters ?? [],
      shutdownDate: row.shutdownDate ?? known?.shutdownDate ?? null,
    })
  }
  const o3Mini = table.get(O3_MINI.id) ?? O3_MINI
  for (const id of ALIASES) if (!Object.hasOwn(overrides, id)) table.set(id, { ...o3Mini, id })
  return table
}

function pricesOf(usd: { input: number; cachedInput?: number | undefined; output: number }): Prices {
  return {
    inputMicroUsd: microUsd(usd.input),
    cachedInputMicroUsd: microUsd(usd.cachedInput ?? usd.input),
    outputMicroUsd: microUsd(usd.output),
  }
}

function microUsd(dollars: number): number {
  return Math.round(dollars * 1_000_000)
}
