/**
 * The vendor's text models as Cloudflare's catalog has them (https://developers.cloudflare.com/ai/models/, read 2026-11-23),
 * with the ends that OpenAI has announced (https://developers.openai.com/api/docs/deprecations). A price that is not known is
 * left out.
 */
import type { Effort, Format, ModelFacts } from './model.ts'
import type { UsdPrices } from './prices.ts'

export interface CatalogModel extends ModelFacts {
  usdPerMillionTokens: Partial<UsdPrices>
}

/** The vendor's newest small, middle and large model: what an ending model can be replaced with. */
export const SUCCESSORS = ['openai/gpt-6-luna', 'openai/gpt-6.1-sol', 'openai/gpt-6-astra'] as const

/** What the models of a family have in common. */
type Family = Pick<ModelFacts, 'efforts' | 'toolsInChat' | 'refusedParameters' | 'closedStreamOptions'>

/** Dollars for a million tokens: input, cached input, output, cache write. */
type RowPrices = readonly [input: number, cachedInput: number, output: number, cacheWrite?: number]

/** The name without the vendor, the context, the longest output, and what the rest of `ModelFacts` says. */
type Row = readonly [
  name: string,
  contextTokens: number,
  outputTokensMax: number,
  formats: readonly Format[],
  family: Family,
  shutdownDate: string | null,
  prices?: RowPrices,
  /** The prices of a request with more than `LONG_CONTEXT_TOKENS` in its prompt. */
  longContext?: RowPrices,
]

const LONG_CONTEXT_TOKENS = 272_000

const CHAT: readonly Format[] = ['chat']
const RESPONSES: readonly Format[] = ['responses']
const BOTH: readonly Format[] = ['chat', 'responses']

/** The parameters that the vendor's API refuses for reasoning models. */
const REFUSED_WITH_REASONING = [
  'max_tokens',
  'temperature',
  'top_p',
  'presence_penalty',
  'frequency_penalty',
  'logprobs',
  'top_logprobs',
  'logit_bias',
]
const LOW_TO_HIGH: readonly Effort[] = ['low', 'medium', 'high']
const NONE_TO_HIGH: readonly Effort[] = ['none', ...LOW_TO_HIGH]
const LOW_TO_MAX: readonly Effort[] = [...LOW_TO_HIGH, 'xhigh', 'max']

/** It does not reason. */
const GPT_4: Family = {
  efforts: [],
  toolsInChat: 'always',
  refusedParameters: ['reasoning_effort', 'reasoning'],
  closedStreamOptions: false,
}
const O_SERIES: Family = {
  efforts: LOW_TO_HIGH,
  toolsInChat: 'always',
  refusedParameters: [...REFUSED_WITH_REASONING, 'parallel_tool_calls', 'prediction'],
  closedStreamOptions: false,
}
/** Models before gpt-5.1 do not take the effort `none`. */
const GPT_5: Family = {
  efforts: LOW_TO_HIGH,
  toolsInChat: 'always',
  refusedParameters: [...REFUSED_WITH_REASONING, 'prediction'],
  closedStreamOptions: false,
}
/** It takes sampling parameters where its effort is `none`, which is its default. */
const GPT_5_1: Family = { ...GPT_5, efforts: NONE_TO_HIGH, refusedParameters: ['max_tokens'] }
const GPT_5_6: Family = { ...GPT_5, efforts: NONE_TO_HIGH, closedStreamOptions: true }
const GPT_6: Family = { ...GPT_5_6, efforts: ['none', ...LOW_TO_MAX], toolsInChat: 'with_effort_none' }
const GPT_6_1: Family = { ...GPT_5_6, efforts: LOW_TO_MAX, toolsInChat: 'never' }
const ASTRA: Family = { ...GPT_5_6, efforts: LOW_TO_HIGH, toolsInChat: 'never' }
/** The catalog does not say. */
const UNKNOWN: Family = {
  efforts: null,
  toolsInChat: 'always',
  refusedParameters: [],
  closedStreamOptions: false,
}

const ROWS: readonly Row[] = [
  ['o3-mini', 200_000, 100_000, BOTH, O_SERIES, '2026-10-23', [1.1, 0.55, 4.4]],
  ['o3', 200_000, 100_000, BOTH, O_SERIES, '2026-12-11', [2, 0.5, 8]],
  ['o4-mini', 200_000, 100_000, BOTH, O_SERIES, '2026-10-23', [1.1, 0.275, 4.4]],
  ['gpt-4.1', 1_047_576, 32_768, BOTH, GPT_4, '2027-01-14', [2, 0.5, 8]],
  ['gpt-4.1-mini', 1_047_576, 32_768, BOTH, GPT_4, '2027-01-14', [0.4, 0.1, 1.6]],
  ['gpt-4.1-nano', 1_000_000, 32_768, BOTH, GPT_4, '2026-10-23', [0.1, 0.025, 0.4]],
  ['gpt-4o', 128_000, 16_384, BOTH, GPT_4, '2027-01-14', [1.25, 0.625, 5]],
  ['gpt-4o-mini', 128_000, 16_384, BOTH, GPT_4, '2027-01-14', [0.075, 0.0375, 0.3]],
  ['gpt-5', 128_000, 16_384, BOTH, GPT_5, '2026-12-11'],
  ['gpt-5-mini', 128_000, 16_384, BOTH, GPT_5, '2026-12-11', [0.25, 0.025, 2]],
  ['gpt-5-nano', 128_000, 16_384, BOTH, GPT_5, '2026-12-11', [0.05, 0.005, 0.4]],
  ['gpt-5.1', 128_000, 16_384, BOTH, GPT_5_1, '2027-04-01', [1.25, 0.125, 10]],
  ['gpt-5.1-chat', 128_000, 16_384, CHAT, UNKNOWN, '2026-07-23'],
  ['gpt-5.4', 1_000_000, 16_384, BOTH, GPT_5_1, null, [2.5, 0.25, 15]],
  ['gpt-5.4-mini', 128_000, 16_384, BOTH, GPT_5_1, null, [0.75, 0.075, 4.5]],
  ['gpt-5.4-nano', 128_000, 16_384, BOTH, GPT_5_1, '2027-04-01', [0.2, 0.02, 1.25]],
  ['gpt-5.4-pro', 1_000_000, 16_384, RESPONSES, GPT_5_1, null],
  ['gpt-5.5', 1_000_000, 16_384, BOTH, UNKNOWN, null],
  ['gpt-5.5-pro', 1_000_000, 16_384, RESPONSES, GPT_5_1, null],
  ['gpt-5.6-sol', 1_050_000, 128_000, RESPONSES, GPT_5_6, null],
  ['gpt-5.6-terra', 1_050_000, 128_000, RESPONSES, GPT_5_6, null, [2, 0.2, 12, 2.5]],
  ['gpt-5.6-luna', 1_050_000, 128_000, RESPONSES, GPT_5_6, null, [0.2, 0.02, 1.2, 0.25]],
  ['gpt-6-astra', 1_050_000, 128_000, BOTH, ASTRA, null, [10, 1, 50, 12], [20, 2, 75, 25]],
  ['gpt-6-sol', 1_050_000, 128_000, BOTH, GPT_6, null, [2, 0.2, 10, 2.5], [4, 0.4, 15, 5]],
  ['gpt-6-luna', 1_050_000, 128_000, BOTH, GPT_6, null, [0.1, 0.01, 0.5, 0.125], [0.2, 0.02, 0.75, 0.25]],
  ['gpt-6.1-sol', 1_050_000, 128_000, BOTH, GPT_6_1, null, [2, 0.1, 10, 2.5], [4, 0.2, 15, 5]],
]

/** `undefined` for a slug that the catalog does not know. */
export function catalogModel(slug: string): CatalogModel | undefined {
  const row = ROWS.find(([name]) => slug === `openai/${name}`)
  if (row === undefined) return undefined
  const [, contextTokens, outputTokensMax, formats, family, shutdownDate, prices, longContext] = row
  const usdPerMillionTokens: Partial<UsdPrices> = prices === undefined ? {} : usdOfRow(prices)
  if (longContext !== undefined) {
    usdPerMillionTokens.longContext = { aboveTokens: LONG_CONTEXT_TOKENS, ...usdOfRow(longContext) }
  }
  return { slug, contextTokens, outputTokensMax, formats, ...family, shutdownDate, usdPerMillionTokens }
}

function usdOfRow([input, cachedInput, output, cacheWrite]: RowPrices) {
  return { input, cachedInput, output, ...(cacheWrite === undefined ? {} : { cacheWrite }) }
}
