/** Bindings and vars of the Worker, parsed once into `Config`; a bad var stops with its name. */
import * as z from 'zod/mini'
import { GatewayError } from './failure.ts'
import { type ModelTable, modelOverrides, modelTable } from './models.ts'
import type { UpstreamBinding } from './upstream/call.ts'
import { integer } from './wire/integer.ts'

/** What `wrangler.toml` binds. Vars are `unknown`: the dashboard makes strings of them, `wrangler.toml` may not. */
export interface Env {
  AI: UpstreamBinding
  KV: KVNamespace
  /** Secret. The admin routes are off while it is unset or has fewer than 32 characters. */
  ADMIN_TOKEN?: string
  AI_GATEWAY_ID?: unknown
  BODY_BYTES_MAX?: unknown
  MODELS?: unknown
}

export interface Config {
  /** The AI Gateway that third-party models go through. Default `default`. */
  gatewayId: string
  /** Largest request body in bytes. Default 4 MiB. */
  bodyBytesMax: number
  /** Public model names and what they stand for. */
  models: ModelTable
}

/** Also the bound of what a request may hold in memory: an isolate has 128 MB. */
export const BODY_BYTES_MAX_DEFAULT = 4 * 1024 * 1024

const cache = new WeakMap<Env, Config>()

/**
 * The configuration in `env`; parsed at an isolate's first request, since a var must not stop the start.
 *
 * @throws GatewayError `misconfigured` with the name of the var that is wrong.
 */
export function configOf(env: Env): Config {
  let config = cache.get(env)
  if (config === undefined) {
    config = parseConfig(env)
    cache.set(env, config)
  }
  return config
}

function parseConfig(env: Env): Config {
  const parsed = vars.safeParse(env)
  if (!parsed.success) {
    const variable = String(parsed.error.issues[0]?.path[0])
    throw new GatewayError({ kind: 'misconfigured', variable }, `misconfigured: ${variable}`)
  }
  return {
    gatewayId: parsed.data.AI_GATEWAY_ID,
    bodyBytesMax: parsed.data.BODY_BYTES_MAX,
    models: modelTable(parsed.data.MODELS),
  }
}

const vars = z.object({
  AI_GATEWAY_ID: z._default(z.string().check(z.minLength(1)), 'default'),
  BODY_BYTES_MAX: integerVar(1024, 100 * 1024 * 1024, BODY_BYTES_MAX_DEFAULT),
  MODELS: z._default(jsonVar(modelOverrides), {}),
})

/** A whole number, written as a number or as text. */
function integerVar(min: number, max: number, initial: number) {
  const whole = integer(min, max)
  const text = z.pipe(z.string().check(z.regex(/^\d+$/)), z.pipe(z.transform(Number), whole))
  return z._default(z.union([whole, text]), initial)
}

/** JSON, written as text or as a TOML table. */
function jsonVar<T extends z.ZodMiniType>(schema: T) {
  const parse = z.transform((value: unknown, context) => {
    if (typeof value !== 'string') return value
    try {
      return JSON.parse(value) as unknown
    } catch {
      context.issues.push({ code: 'custom', input: value, message: 'not JSON' })
      return value
    }
  })
  return z.pipe(parse, schema)
}
