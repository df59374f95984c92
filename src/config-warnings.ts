/** Warnings for the operator: names that look like vars of the gateway and are none, and vars that have no effect. */
import { parseAddress } from './alerts/webhook.ts'
import type { Config, Env } from './config.ts'
import { VAR_NAMES } from './vars.ts'

/** The beginnings of the gateway's own names. Another name that begins so is taken for a mistake. */
const PREFIXES =
  /^(ACCOUNTS|ADMIN|ALERT|AI_GATEWAY|BODY|CORS|DEFAULT|LIMIT|METER|MODELS|STREAM|UNSUPPORTED|UPSTREAM)_/
/** Differences in letters up to which a name without such a beginning is taken for a mistake. */
const TYPO_LETTERS_MAX = 2

const SECRET_NAMES = ['ADMIN_TOKEN', 'ALERT_WEBHOOK_URL', 'ALERT_WEBHOOK_SECRET']
const NAMES: readonly string[] = [...VAR_NAMES, ...SECRET_NAMES]
/** The bindings of `wrangler.toml`. To find the nearest var of a name takes longer than to parse all vars. */
const BINDINGS: readonly string[] = ['AI', 'KV', 'ACCOUNTS', 'DIRECTORY']

/** Sentences for the log. They name vars and hold no values, since a var can be a secret under a wrong name. */
export function configWarnings(env: Env, config: Config): string[] {
  return [...misnamedVars(Object.keys(env)), ...varsWithoutEffect(env, config)]
}

function misnamedVars(names: readonly string[]): string[] {
  return names
    .filter((name) => !NAMES.includes(name) && !BINDINGS.includes(name))
    .flatMap((name) => {
      const upper = name.toUpperCase()
      const nearest = nearestName(upper)
      const isMistake = PREFIXES.test(upper) || distance(upper, nearest) <= TYPO_LETTERS_MAX
      return isMistake ? [`${name} is no var of the gateway. The nearest name is ${nearest}`] : []
    })
}

function varsWithoutEffect(env: Env, { gateway, meterStreams, logTexts }: Config): string[] {
  const hasNoWebhook = parseAddress(env.ALERT_WEBHOOK_URL) === null
  const hasNoLog = gateway.collectLog === false
  const hasNoRetry = (gateway.retries?.maxAttempts ?? 1) === 1
  const rules: readonly [keyof Env, boolean, string][] = [
    ['DEFAULT_BUDGET_PERIOD', env.DEFAULT_BUDGET_USD === undefined, 'without DEFAULT_BUDGET_USD'],
    ['ALERT_WEBHOOK_URL', hasNoWebhook, 'since it is no https address, or has a user name'],
    ['ALERT_WEBHOOK_SECRET', env.ALERT_WEBHOOK_URL === undefined, 'without ALERT_WEBHOOK_URL'],
    ['AI_GATEWAY_RETRY_DELAY_MS', hasNoRetry, 'without AI_GATEWAY_ATTEMPTS of 2 or more'],
    ['AI_GATEWAY_BACKOFF', hasNoRetry, 'without AI_GATEWAY_ATTEMPTS of 2 or more'],
    ['AI_GATEWAY_LOG_TEXTS', hasNoLog && logTexts, 'with AI_GATEWAY_COLLECT_LOG = "false"'],
    [
      'METER_STREAMS',
      hasNoLog && meterStreams === 'never',
      'on keys with a token limit or a budget, since AI_GATEWAY_COLLECT_LOG = "false" leaves no log with their usage',
    ],
    [
      'STREAM_IDLE_SECONDS',
      !hasNoLog && meterStreams === 'never',
      'with METER_STREAMS = "never", since only metered streams are watched',
    ],
  ]
  return rules
    .filter(([name, isUseless]) => isUseless && env[name] !== undefined)
    .map(([name, , why]) => `${name} has no effect ${why}`)
}

/** The name with the most words in common, and of these the one with the fewest different letters. */
function nearestName(name: string): string {
  const words = name.split('_')
  const ranked = NAMES.map((known) => {
    const shared = known.split('_').filter((word) => words.includes(word)).length
    return { known, shared, letters: distance(name, known) }
  }).toSorted((a, b) => b.shared - a.shared || a.letters - b.letters)
  return ranked[0]?.known ?? ''
}

/** Levenshtein's distance: the letters to insert, remove or replace. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, length) => length)
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < to.length; j++) {
      const replaced = (row[j] ?? 0) + (from[i] === to[j] ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
