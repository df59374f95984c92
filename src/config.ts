/** Bindings and vars of the Worker, parsed once into `Config`. A bad var fails with its name. */
import type { ModelTable } from './models/model.ts'
import { modelTable } from './models/table.ts'
import { type Budget, type Limits, PERIODS } from './limits/limits.ts'
import type { GatewayOptions, UpstreamBinding } from './upstream/call.ts'
import { type NumberVar, parseVars, type Vars } from './vars.ts'

/**
 * The bindings of `wrangler.toml`, without the Durable Objects: `accounts/objects.ts` adds them. Vars are `unknown`: the
 * dashboard stores strings, and `wrangler.toml` other types too.
 */
export interface Env {
  AI: UpstreamBinding
  KV: KVNamespace
  ACCOUNTS_LOCATION_HINT?: unknown
  /** Secret. Alerts are off while it is unset or no address that `alerts/webhook.ts` takes. It never stops a request. */
  ALERT_WEBHOOK_URL?: unknown
  /** Secret. Without it, alerts have no signature. */
  ALERT_WEBHOOK_SECRET?: unknown
  /** Secret. The admin routes are off while it is unset or has fewer than 32 characters. */
  ADMIN_TOKEN?: string
  AI_GATEWAY_ID?: unknown
  AI_GATEWAY_COLLECT_LOG?: unknown
  AI_GATEWAY_LOG_TEXTS?: unknown
  AI_GATEWAY_CACHE_SECONDS?: unknown
  AI_GATEWAY_ATTEMPTS?: unknown
  AI_GATEWAY_RETRY_DELAY_MS?: unknown
  AI_GATEWAY_BACKOFF?: unknown
  AI_GATEWAY_TIMEOUT_MS?: unknown
  UNSUPPORTED_PARAMETERS?: unknown
  VENDOR_STORAGE?: unknown
  ALLOWED_EXTRAS?: unknown
  BODY_BYTES_MAX?: unknown
  BODY_SECONDS?: unknown
  MODELS?: unknown
  DEFAULT_REQUESTS_PER_MINUTE?: unknown
  DEFAULT_REQUESTS_PER_DAY?: unknown
  DEFAULT_TOKENS_PER_MINUTE?: unknown
  DEFAULT_CONCURRENT_REQUESTS?: unknown
  DEFAULT_COMPLETION_TOKENS_PER_REQUEST?: unknown
  DEFAULT_BUDGET_USD?: unknown
  DEFAULT_BUDGET_PERIOD?: unknown
  LIMIT_MODE?: unknown
  STREAM_KEEPALIVE_SECONDS?: unknown
  STREAM_IDLE_SECONDS?: unknown
  UPSTREAM_TIMEOUT_SECONDS?: unknown
  METER_STREAMS?: unknown
  USAGE_TAGS?: unknown
  CORS_ORIGINS?: unknown
}

export interface Config {
  /** The AI Gateway that third-party models go through, and its options. Unset options are the gateway's own settings. */
  gateway: GatewayOptions
  /** Whether AI Gateway's log holds prompts and answers. Default `false`: it then holds token counts without texts. */
  logTexts: boolean
  /** The treatment of parameters that the model refuses. Default `forward`. */
  unsupportedParameters: 'forward' | 'reject' | 'drop'
  /** Whether requests may refer to what the vendor's account stores, and store there. Default `never`. */
  vendorStorage: 'never' | 'allow'
  /** The service tiers and hosted tools that requests may use, by the vendor's names. Default none. */
  allowedExtras: ReadonlySet<string>
  /** The prices of service tiers, as multiples of the model's own. Default of each: 1. */
  tierFactors: ReadonlyMap<string, number>
  /** Largest request body in bytes. Default 4 MiB. */
  bodyBytesMax: number
  /** How long a request body may take to arrive, ms. Default 60 s. */
  bodyTimeoutMs: number
  /** Public model names and what they stand for. */
  models: ModelTable
  /** Limits of a key that has none of its own. Default: no limit, mode `balanced`. */
  defaultLimits: Limits
  /** How often a stream that is silent before its first output gets a comment, ms; 0 for never. Default 15 s. */
  keepAliveMs: number
  /** How long a metered stream may pause after its first output, ms. Default 300 s. */
  idleMs: number
  /** How long the upstream may take until its first output, ms. Default 600 s: the model can think for minutes. */
  upstreamTimeoutMs: number
  /** The streams that are metered. Default `when-limited`: those of keys whose limits need the usage at once. */
  meterStreams: 'when-limited' | 'always' | 'never'
  /** Names of the body's `metadata` by which usage is told apart, at most three. Default none. */
  usageTags: readonly string[]
  /** Origins whose pages may call the API; `*` is all. Default none. */
  corsOrigins: readonly string[]
}

/** It also bounds what a request may hold in memory: an isolate has 128 MB. */
export const BODY_BYTES_MAX_DEFAULT = 4 * 1024 * 1024

/** @throws GatewayError `misconfigured` with the name of the var that is wrong. */
export function parseConfig(env: Env): Config {
  const data = parseVars(env)
  return {
    gateway: gatewayOptions(data),
    logTexts: data.AI_GATEWAY_LOG_TEXTS === 'true',
    unsupportedParameters: data.UNSUPPORTED_PARAMETERS ?? 'forward',
    vendorStorage: data.VENDOR_STORAGE ?? 'never',
    allowedExtras: new Set(listOf(data.ALLOWED_EXTRAS).map((extra) => nameOf(extra))),
    tierFactors: tierFactorsOf(listOf(data.ALLOWED_EXTRAS)),
    bodyBytesMax: numberOf(data.BODY_BYTES_MAX) ?? BODY_BYTES_MAX_DEFAULT,
    bodyTimeoutMs: 1000 * (numberOf(data.BODY_SECONDS) ?? 60),
    models: modelTable(data.MODELS ?? {}),
    defaultLimits: {
      requestsPerMinute: numberOf(data.DEFAULT_REQUESTS_PER_MINUTE),
      requestsPerDay: numberOf(data.DEFAULT_REQUESTS_PER_DAY),
      tokensPerMinute: numberOf(data.DEFAULT_TOKENS_PER_MINUTE),
      concurrentRequests: numberOf(data.DEFAULT_CONCURRENT_REQUESTS),
      completionTokensPerRequest: numberOf(data.DEFAULT_COMPLETION_TOKENS_PER_REQUEST),
      mode: data.LIMIT_MODE,
      budget: defaultBudgetOf(data),
    },
    keepAliveMs: 1000 * (numberOf(data.STREAM_KEEPALIVE_SECONDS) ?? 15),
    idleMs: 1000 * (numberOf(data.STREAM_IDLE_SECONDS) ?? 300),
    upstreamTimeoutMs: 1000 * (numberOf(data.UPSTREAM_TIMEOUT_SECONDS) ?? 600),
    meterStreams: data.METER_STREAMS ?? 'when-limited',
    usageTags: [...new Set(listOf(data.USAGE_TAGS))],
    corsOrigins: listOf(data.CORS_ORIGINS),
  }
}

function gatewayOptions(data: Vars): GatewayOptions {
  const maxAttempts = numberOf(data.AI_GATEWAY_ATTEMPTS)
  const retryDelayMs = numberOf(data.AI_GATEWAY_RETRY_DELAY_MS)
  const backoff = data.AI_GATEWAY_BACKOFF
  const cacheTtl = numberOf(data.AI_GATEWAY_CACHE_SECONDS)
  const requestTimeoutMs = numberOf(data.AI_GATEWAY_TIMEOUT_MS)
  const collectLog = data.AI_GATEWAY_COLLECT_LOG
  return {
    id: data.AI_GATEWAY_ID ?? 'default',
    ...(collectLog === undefined ? {} : { collectLog: collectLog === 'true' }),
    ...(cacheTtl === undefined ? {} : cacheTtl === 0 ? { skipCache: true } : { cacheTtl }),
    ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
    ...(maxAttempts === undefined ? {} : { retries: { maxAttempts, retryDelayMs, backoff } }),
  }
}

/**
 * The budget of keys that have none of their own. Accounts read it without the other vars: `parseConfig` refuses a bad one
 * before anything is called.
 */
export function defaultBudgetOf({
  DEFAULT_BUDGET_USD: usd,
  DEFAULT_BUDGET_PERIOD: named,
}: Pick<Env, 'DEFAULT_BUDGET_USD' | 'DEFAULT_BUDGET_PERIOD'>): Budget | undefined {
  const period = PERIODS.find((known) => known === named) ?? 'month'
  return usd === undefined ? undefined : { usd: Number(usd), period }
}

/** The entries of a list, which commas or spaces separate. */
function listOf(text = ''): string[] {
  return text.split(/[\s,]+/).filter((entry) => entry !== '')
}

function nameOf(extra: string): string {
  return extra.split(':', 1)[0] ?? ''
}

function tierFactorsOf(extras: readonly string[]): Map<string, number> {
  const priced = extras.filter((extra) => extra.includes(':'))
  return new Map(priced.map((extra) => [nameOf(extra), Number(extra.slice(extra.indexOf(':') + 1))]))
}

function numberOf(value: NumberVar | undefined): number | undefined {
  return value === undefined ? undefined : Number(value)
}
