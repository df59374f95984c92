/** What the gateway knows of a model. */
import type { Prices } from './prices.ts'

/** The request formats of a catalog entry: Chat Completions and Responses. */
export const FORMATS = ['chat', 'responses'] as const
export type Format = (typeof FORMATS)[number]

/** Reasoning efforts, from the lowest to the highest. */
export type Effort = 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max'

/** What is true of a model under any name. */
export interface ModelFacts {
  /** The name for `env.AI.run`. */
  slug: string
  contextTokens: number
  outputTokensMax: number
  /** The formats in which the upstream takes requests, at least one. */
  formats: readonly Format[]
  /** The efforts that the model takes. A model that does not reason takes none of them; `null` where it is not known. */
  efforts: readonly Effort[] | null
  /** Whether a chat request may have tools. Where it may not, the model takes them in a Responses request. */
  toolsInChat: 'always' | 'with_effort_none' | 'never'
  /** Whether `stream_options` of a chat request may have nothing but `include_usage`. */
  closedStreamOptions: boolean
  /**
   * Parameters that the model itself refuses with 400 `unsupported_parameter` while it reasons. Some models take sampling
   * parameters with the effort `none`.
   */
  refusedParameters: readonly string[]
  /** The day for which the vendor has announced the model's end, as `YYYY-MM-DD`; `null` where it has announced none. */
  shutdownDate: string | null
}

/** A public name, and the model that it stands for. */
export interface Model extends ModelFacts {
  /** The name callers use. */
  id: string
  /** The name in the var `MODELS` that decides on this one: an alias follows o3-mini. */
  configuredAs: string
  /** Unix seconds, as `GET /v1/models` shows it. */
  createdSeconds: number
  ownedBy: string
  prices: Prices
  /** The models that are tried in turn where this one fails; none by default. They have no fallback of their own. */
  fallback: readonly Model[]
}

export type ModelTable = ReadonlyMap<string, Model>
