/**
 * All that one isolate remembers between requests, in one place. The runtime may end an isolate at any time, so nothing here
 * is the only copy, except counts of the last seconds. Each part has its bound.
 */
import { type AccountClient, createAccountClient } from './accounts/client.ts'
import type { HolderUsage } from './accounts/holder-usage.ts'
import { accountOf, type Bindings } from './accounts/objects.ts'
import { type Accounts, createAccounts } from './accounts/record-client.ts'
import { UsageMeans } from './accounts/usage-means.ts'
import { UsageMemory } from './accounts/usage-memory.ts'
import { RaisedAlerts } from './alerts/raised-alerts.ts'
import { configWarnings } from './config-warnings.ts'
import { type Config, type Env, parseConfig } from './config.ts'
import { AddressThrottle, WRONG_ADMIN_TOKENS_PER_MINUTE } from './keys/address-throttle.ts'
import { AllowedAddresses } from './keys/allowed-addresses.ts'
import { createKeyStore, type KeyStore, UNKNOWN_KEYS_PER_MINUTE } from './keys/key-store.ts'
import { ShownKeys } from './keys/shown-keys.ts'
import { BodyBudget } from './limits/body-budget.ts'
import type { Limiter } from './limits/decision.ts'
import { createLimiter } from './limits/limiter.ts'
import { createShardStore } from './limits/shard-store.ts'
import { causeOf, log, warnOnce } from './log.ts'
import { RetiredModels } from './models/retired-models.ts'
import { UpstreamSeen } from './upstream/seen.ts'

export interface Isolate {
  /** The calls to the accounts of keys. They remember nothing. */
  accounts: Accounts
  /** Replies of accounts by key, at most `VIEWS_MAX`, and settlements that wait, at most `WAITING_TOTAL_MAX`. */
  accountClient: AccountClient
  /** Records of keys, at most `KEYS_REMEMBERED_MAX`. */
  keys: KeyStore
  /** Parsed lists of addresses, at most one for each record of a key. */
  allowedAddresses: AllowedAddresses
  /** What the stages see of keys, at most one for each record of a key. */
  shownKeys: ShownKeys
  /** Addresses that asked for unknown keys, at most `ADDRESSES_MAX`. */
  unknownKeys: AddressThrottle
  /** Addresses that showed wrong admin tokens, at most `ADDRESSES_MAX`. */
  wrongAdminTokens: AddressThrottle
  /** Bytes of the bodies under way, at most `BODY_BYTES_HELD_MAX`. */
  bodies: BodyBudget
  /** Counts by key, at most `KEYS_MAX`. */
  limiter: Limiter
  /** Mean completions and reasoning by key, and mean rates by model, at most `MEANS_MAX` each. */
  means: UsageMeans
  /** Usage that was shown by key, at most `USAGE_KEYS_MAX`. */
  usageMemory: UsageMemory<HolderUsage>
  /** The last answer and the last failure of the upstream. */
  upstreamSeen: UpstreamSeen
  /** Models that are gone upstream, at most one for each slug of the table. Only models with a fallback are skipped. */
  retiredModels: RetiredModels
  /** Ids of alerts of the deployment that this isolate has raised, at most `RAISED_MAX`. */
  raisedAlerts: RaisedAlerts
  /** Warnings that the log has: one of each is enough. At most one for each var, and six for each slug of the table. */
  warned: Set<string>
}

/** Parsed vars by `env`. An isolate in production has one `env`. */
const configs = new WeakMap<Env, Config>()

/** Each namespace has its own, so that two namespaces in one process share nothing. */
const isolates = new WeakMap<KVNamespace, Isolate>()

export function isolateOf(env: Bindings): Isolate {
  let isolate = isolates.get(env.KV)
  if (isolate === undefined) {
    isolate = createIsolate(env)
    isolates.set(env.KV, isolate)
  }
  return isolate
}

/**
 * The configuration in `env`. It is parsed at an isolate's first request, since a bad var must not stop the start. Vars without
 * effect are logged.
 *
 * @throws GatewayError `misconfigured` with the name of the var that is wrong.
 */
export function configOf(env: Bindings): Config {
  let config = configs.get(env)
  if (config === undefined) {
    config = parseConfig(env)
    configs.set(env, config)
    for (const cause of configWarnings(env, config))
      warnOnce(isolateOf(env).warned, cause, 'config', () => cause)
  }
  return config
}

function createIsolate(env: Bindings): Isolate {
  const { KV: kv } = env
  const accounts = createAccounts(env)
  return {
    accounts,
    accountClient: createAccountClient({
      accountOf: (keyId) => ({
        admit: async (request) => accountOf(env, keyId).admit(keyId, request),
        settle: async (batch) => accountOf(env, keyId).settle(keyId, batch),
        renew: async (requestIds) => accountOf(env, keyId).renew(keyId, requestIds),
      }),
      onTrouble: ({ what, keyId, cause }) => logTrouble(`account_${what}`)(keyId, cause),
    }),
    keys: createKeyStore(kv, (keyId, isAbsentInKv) => accounts.read(keyId, isAbsentInKv)),
    allowedAddresses: new AllowedAddresses(),
    shownKeys: new ShownKeys(),
    unknownKeys: new AddressThrottle(UNKNOWN_KEYS_PER_MINUTE),
    wrongAdminTokens: new AddressThrottle(WRONG_ADMIN_TOKENS_PER_MINUTE),
    bodies: new BodyBudget(),
    limiter: createLimiter({
      shards: createShardStore(kv),
      onTrouble({ keyId, operation, failures, reason }) {
        // The first failure in a row is logged. The pauses that follow have the same cause.
        if (failures === 1) logTrouble(`limits_${operation}`)(keyId, reason)
      },
    }),
    means: new UsageMeans(),
    usageMemory: new UsageMemory(),
    upstreamSeen: new UpstreamSeen(),
    retiredModels: new RetiredModels(),
    raisedAlerts: new RaisedAlerts(),
    warned: new Set(),
  }
}

function logTrouble(what: string) {
  return function logTrouble(keyId: string, error: unknown): void {
    log({ event: 'trouble', what, keyId, cause: causeOf(error) })
  }
}
