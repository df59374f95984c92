/**
 * The isolate's calls for keys' records and for usage, to accounts and directory. Each call has a time-out, and none throws.
 */
import type { RaisedAlert } from '../alerts/alert.ts'
import type { ApiKey, KeyReading } from '../keys/api-key.ts'
import { causeOf, log } from '../log.ts'
import { orTimeoutError } from '../timeout.ts'
import type { KeyCount, KeyListQuery, KeyPage } from './key-list.ts'
import type { MetricGrouping, Metrics } from './metric-list.ts'
import {
  accountOf,
  alertDeskOf,
  type Bindings,
  directoryOf,
  type DirectoryCalls,
  groupDirectoryOf,
  type KeyAccountCalls,
} from './objects.ts'
import type { KeyUsage, UsageQuestion } from './usage-protocol.ts'
import type { KeyPatch, NewKey, Rotation } from './stored-key.ts'
import type { ExportPage, ExportQuery } from './usage-export.ts'
import type { Grouping, UsagePage, UsageQuery } from './usage-list.ts'

/** How long a request waits for the record of its key. Adoption alone may take 2 s of it. */
export const ACCOUNT_READ_TIMEOUT_MS = 3_000
/** How long the operator waits for a change. Its copies alone may take 2 s of it. */
export const ACCOUNT_CHANGE_TIMEOUT_MS = 10_000

/** All of them answer `unavailable` where the object does not answer in time. A change may be stored nevertheless. */
export interface Accounts {
  read(keyId: string, isAbsentInKv?: boolean): Promise<KeyReading>
  /** `created` once, and from then on what the account has. */
  create(key: NewKey): Promise<KeyReading | { kind: 'created'; key: ApiKey }>
  update(keyId: string, patch: KeyPatch): Promise<KeyReading>
  rotate(keyId: string, rotation: Rotation): Promise<KeyReading>
  delete(keyId: string, deletedAt: string): Promise<KeyReading>
  republish(keyId: string): Promise<KeyReading>
  usage(keyId: string, question: UsageQuestion): Promise<KeyUsage | KeyReading>
  requests: KeyAccountCalls['requests']
  request: KeyAccountCalls['request']
  minutes: KeyAccountCalls['minutes']
  list(query: KeyListQuery): Promise<KeyPage | { kind: 'unavailable' }>
  listGroups(query: KeyListQuery): Promise<KeyPage | { kind: 'unavailable' }>
  /** Keys of a group that are not deleted, as far as they have been reported. */
  countKeys(groupId: string): Promise<KeyCount | { kind: 'unavailable' }>
  /** The usage of keys, or by `group` of groups. `metrics` are likewise of keys or of groups. */
  usageOfAll(query: UsageQuery): Promise<UsagePage | { kind: 'unavailable' }>
  metrics(by: MetricGrouping): Promise<Metrics | { kind: 'unavailable' }>
  exportUsage(query: ExportQuery): Promise<ExportPage | { kind: 'unavailable' }>
  /** Raises an alert of the deployment as a whole. */
  raiseAlert(alert: RaisedAlert): Promise<{ kind: 'raised' | 'unavailable' }>
}

export function createAccounts(env: Bindings): Accounts {
  return {
    read: (keyId, isAbsentInKv = false) =>
      ask('account_read', keyId, ACCOUNT_READ_TIMEOUT_MS, async () =>
        accountOf(env, keyId).read(keyId, isAbsentInKv),
      ),
    create: (key) => change(key.id, async () => accountOf(env, key.id).create(key)),
    update: (keyId, patch) => change(keyId, async () => accountOf(env, keyId).update(keyId, patch)),
    rotate: (keyId, rotation) => change(keyId, async () => accountOf(env, keyId).rotate(keyId, rotation)),
    delete: (keyId, deletedAt) => change(keyId, async () => accountOf(env, keyId).delete(keyId, deletedAt)),
    republish: (keyId) => change(keyId, async () => accountOf(env, keyId).republish(keyId)),
    usage: (keyId, question) => askBook(keyId, async () => accountOf(env, keyId).usage(keyId, question)),
    requests: (keyId) => askBook(keyId, async () => accountOf(env, keyId).requests(keyId)),
    request: (keyId, requestId) =>
      askBook(keyId, async () => accountOf(env, keyId).request(keyId, requestId)),
    minutes: (keyId) => askBook(keyId, async () => accountOf(env, keyId).minutes(keyId)),
    list: (query) => askDirectory('directory_list', async () => directoryOf(env).list(query)),
    listGroups: (query) => askDirectory('directory_list', async () => groupDirectoryOf(env).list(query)),
    countKeys: (groupId) => askDirectory('directory_list', async () => directoryOf(env).countKeys(groupId)),
    usageOfAll: (query) =>
      askDirectory('directory_usage', async () => directoryBy(env, query.by).usage(query)),
    metrics: (by) => askDirectory('directory_metrics', async () => directoryBy(env, by).metrics(by)),
    exportUsage: (query) => askDirectory('directory_usage', async () => directoryOf(env).exportUsage(query)),
    raiseAlert: (alert) =>
      askDirectory('alert_raise', async () => {
        await alertDeskOf(env).raiseAlert(alert)
        return { kind: 'raised' } as const
      }),
  }
}

function directoryBy(env: Bindings, by: Grouping | MetricGrouping): DurableObjectStub<DirectoryCalls> {
  return by === 'group' ? groupDirectoryOf(env) : directoryOf(env)
}

function change<Answer>(
  keyId: string,
  call: () => Promise<Answer>,
): Promise<Answer | { kind: 'unavailable' }> {
  return ask('account_change', keyId, ACCOUNT_CHANGE_TIMEOUT_MS, call)
}

function askBook<Answer>(
  keyId: string,
  call: () => Promise<Answer>,
): Promise<Answer | { kind: 'unavailable' }> {
  return ask('account_usage', keyId, ACCOUNT_READ_TIMEOUT_MS, call)
}

function askDirectory<Answer>(
  what: string,
  call: () => Promise<Answer>,
): Promise<Answer | { kind: 'unavailable' }> {
  return ask(what, undefined, ACCOUNT_READ_TIMEOUT_MS, call)
}

async function ask<Answer>(
  what: string,
  keyId: string | undefined,
  timeoutMs: number,
  call: () => Promise<Answer>,
): Promise<Answer | { kind: 'unavailable' }> {
  try {
    return await orTimeoutError(call(), timeoutMs)
  } catch (error) {
    log({ event: 'trouble', what, ...(keyId === undefined ? {} : { keyId }), cause: causeOf(error) })
    return { kind: 'unavailable' }
  }
}
