/** The vars of the Worker and their schemas. A bad var fails with its name. */
import * as z from 'zod/mini'
import { GatewayError } from './failure.ts'
import { BUDGET_USD_MAX, BUDGET_USD_MIN, LIMIT_MAX, MODES, PERIODS } from './limits/limits.ts'
import { modelOverrides } from './models/table.ts'

/** Where Cloudflare may be asked to create a Durable Object: https://developers.cloudflare.com/durable-objects/reference/data-location/ */
export const LOCATION_HINTS = ['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me'] as const

/** Names, and behind some a colon and a factor of up to 100: `flex:0.5, priority:2, web_search`. */
const EXTRAS_FORM = /^[\s,]*([\w-]+(:(\d{1,2}(\.\d{1,6})?|100))?([\s,]+|$))*$/

/** Up to three names. The names of AI Gateway's other metadata are taken. OpenAI's `metadata` has names of 64 characters. */
const TAGS_FORM = /^[\s,]*((?!(key_id|key_name|request_id)([\s,]|$))[A-Za-z][\w.-]{0,63}([\s,]+|$)){0,3}$/

/** A schema is made where its var is set. Most are not, and schemas would take most of the time of an isolate's start. */
const SCHEMAS = {
  // `accounts/objects.ts` reads it, inside the objects too, where no configuration is parsed.
  ACCOUNTS_LOCATION_HINT: () => z.enum(LOCATION_HINTS),
  AI_GATEWAY_ID: () => z.string().check(z.minLength(1)),
  AI_GATEWAY_COLLECT_LOG: () => z.enum(['true', 'false']),
  AI_GATEWAY_LOG_TEXTS: () => z.enum(['true', 'false']),
  AI_GATEWAY_CACHE_SECONDS: () => wholeNumber(0, 30 * 86_400),
  AI_GATEWAY_ATTEMPTS: () => wholeNumber(1, 5),
  AI_GATEWAY_RETRY_DELAY_MS: () => wholeNumber(0, 5_000),
  AI_GATEWAY_BACKOFF: () => z.enum(['constant', 'linear', 'exponential']),
  AI_GATEWAY_TIMEOUT_MS: () => wholeNumber(1, 3_600_000),
  UNSUPPORTED_PARAMETERS: () => z.enum(['forward', 'reject', 'drop']),
  VENDOR_STORAGE: () => z.enum(['never', 'allow']),
  ALLOWED_EXTRAS: () => z.string().check(z.refine((list) => EXTRAS_FORM.test(list))),
  BODY_BYTES_MAX: () => wholeNumber(1024, 100 * 1024 * 1024),
  BODY_SECONDS: () => wholeNumber(1, 3600),
  MODELS: () => modelOverrides,
  DEFAULT_REQUESTS_PER_MINUTE: () => wholeNumber(1, LIMIT_MAX),
  DEFAULT_REQUESTS_PER_DAY: () => wholeNumber(1, LIMIT_MAX),
  DEFAULT_TOKENS_PER_MINUTE: () => wholeNumber(1, LIMIT_MAX),
  DEFAULT_CONCURRENT_REQUESTS: () => wholeNumber(1, LIMIT_MAX),
  DEFAULT_COMPLETION_TOKENS_PER_REQUEST: () => wholeNumber(1, LIMIT_MAX),
  DEFAULT_BUDGET_USD: () => numberVar(/^\d+(\.\d+)?$/, BUDGET_USD_MIN, BUDGET_USD_MAX),
  DEFAULT_BUDGET_PERIOD: () => z.enum(PERIODS),
  LIMIT_MODE: () => z.enum(MODES),
  STREAM_KEEPALIVE_SECONDS: () => wholeNumber(0, 3600),
  STREAM_IDLE_SECONDS: () => wholeNumber(1, 3600),
  UPSTREAM_TIMEOUT_SECONDS: () => wholeNumber(1, 3600),
  METER_STREAMS: () => z.enum(['when-limited', 'always', 'never']),
  USAGE_TAGS: () => z.string().check(z.regex(TAGS_FORM)),
  CORS_ORIGINS: () => z.string(),
}

/** The names of all vars. */
export const VAR_NAMES: readonly string[] = Object.keys(SCHEMAS)

/** The vars that are set. */
export type Vars = { [Name in keyof typeof SCHEMAS]?: z.output<ReturnType<(typeof SCHEMAS)[Name]>> }

export type NumberVar = number | string

/** @throws GatewayError `misconfigured` with the name of the first var that is wrong. */
export function parseVars(env: { readonly MODELS?: unknown }): Vars {
  const vars = { ...env, MODELS: parseJson(env.MODELS) }
  requireFit(vars)
  return vars
}

/** No schema changes a value. So the values that fit are the parsed ones. */
function requireFit(vars: Readonly<Record<string, unknown>>): asserts vars is Vars {
  for (const [name, schemaOf] of Object.entries(SCHEMAS)) {
    if (vars[name] === undefined || schemaOf().safeParse(vars[name]).success) continue
    throw new GatewayError({ kind: 'misconfigured', variable: name }, `misconfigured: ${name}`)
  }
}

function wholeNumber(minimum: number, maximum: number) {
  return numberVar(/^\d+$/, minimum, maximum)
}

/** A number var, written as a number or as text. A zod transform would cost half a kilobyte of the bundle. */
function numberVar(form: RegExp, minimum: number, maximum: number) {
  return z.union([z.number(), z.string()]).check(({ value, issues }) => {
    const number = form.test(String(value)) ? Number(value) : NaN
    if (number >= minimum && number <= maximum) return
    issues.push({ code: 'custom', message: `not a number from ${minimum} to ${maximum}`, input: value })
  })
}

/** JSON, written as text or as a TOML table. Text that is no JSON stays text, and the schema refuses it. */
function parseJson(value: unknown): unknown {
  try {
    return typeof value === 'string' ? JSON.parse(value) : value
  } catch {
    return value
  }
}
