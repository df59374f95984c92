/** The Durable Objects as their callers see them: their bindings, their calls, their names and where they live. */
import type { RaisedAlert } from '../alerts/alert.ts'
import type { Env } from '../config.ts'
import { LOCATION_HINTS } from '../vars.ts'
import type { ApiKey, KeyReading } from '../keys/api-key.ts'
import { isGroupId } from '../keys/group-id.ts'
import type { StoredRequest } from './book-schema.ts'
import type { KeyCount, KeyListQuery, KeyPage, KeyReport } from './key-list.ts'
import type { MetricGrouping, Metrics } from './metric-list.ts'
import type { MinuteCounts } from './minute-counts.ts'
import type { AccountAnswer, AccountRequest, SettlementBatch } from './protocol.ts'
import type { KeyUsage, UsageQuestion, UsageReport } from './usage-protocol.ts'
import type { RequestRecord } from './request-record.ts'
import type { KeyPatch, NewKey, Rotation } from './stored-key.ts'
import type { ExportPage, ExportQuery } from './usage-export.ts'
import type { UsagePage, UsageQuery } from './usage-list.ts'

/** What an account knows of a request: its record in the ring, and its row. */
interface Known<Kept extends RequestRecord | null = RequestRecord | null> {
  record: Kept
  row: StoredRequest | null
}

export interface KeyRequests {
  kind: 'requests'
  requests: Known<RequestRecord>[]
}

/** The calls of the account of a key or of a group, `KeyAccount`. */
export interface KeyAccountCalls extends Rpc.DurableObjectBranded {
  /** The key as it is now. A caller that has not found it in KV saves the account from looking there too. */
  read(keyId: string, isAbsentInKv: boolean): Promise<KeyReading>
  /** `created` once. Later calls get what the account has. */
  create(key: NewKey): Promise<KeyReading | { kind: 'created'; key: ApiKey }>
  /** Fields of updates at the same time all survive. */
  update(keyId: string, patch: KeyPatch): Promise<KeyReading>
  rotate(keyId: string, rotation: Rotation): Promise<KeyReading>
  /** `deleted` once. Later calls get `absent`. */
  delete(keyId: string, deletedAt: string): Promise<KeyReading>
  /** Reports to the directory again, as if it had never been told. A report that fails is retried by alarm. */
  republish(keyId: string): Promise<KeyReading>
  /** Decides on a request by all limits of the key. Rejects where the account cannot read its key. */
  admit(keyId: string, request: AccountRequest): Promise<AccountAnswer>
  /** Books a batch, unless it was booked before. Rejects where the account cannot read its key. */
  settle(keyId: string, batch: SettlementBatch): Promise<void>
  /** Renews the leases of requests that are under way. */
  renew(keyId: string, requestIds: readonly string[]): Promise<void>
  /** The key's last requests, the newest first. Like `usage` and the two below it answers for a deleted key too. */
  requests(keyId: string): Promise<KeyRequests | KeyReading>
  /** What the account knows of one request; `null` for both where it knows nothing. */
  request(keyId: string, requestId: string): Promise<({ kind: 'request' } & Known) | KeyReading>
  /** The minutes of the last days with any request. */
  minutes(keyId: string): Promise<{ kind: 'minutes'; minutes: MinuteCounts[] } | KeyReading>
  /** The key's usage. Where there is no such key, the answer is its reading. */
  usage(keyId: string, question: UsageQuestion): Promise<KeyUsage | KeyReading>
}

/** The calls of the directory, `Directory`. */
export interface DirectoryCalls extends Rpc.DurableObjectBranded {
  report(report: KeyReport): Promise<void>
  /** Absolute totals of a key. A report that comes twice, or is of an older revision, changes nothing. */
  reportUsage(report: UsageReport): Promise<void>
  list(query: KeyListQuery): Promise<KeyPage>
  /** Keys of a group that are not deleted. */
  countKeys(groupId: string): Promise<KeyCount>
  usage(query: UsageQuery): Promise<UsagePage>
  /** The metrics of all time, for the operator's monitoring. */
  metrics(by: MetricGrouping): Promise<Metrics>
  /** The rows behind the sums, a page at a time. */
  exportUsage(query: ExportQuery): Promise<ExportPage>
  /** Raises an alert of the deployment as a whole. An id that was raised before is not sent again. */
  raiseAlert(alert: RaisedAlert): Promise<void>
}

/** All bindings of the Worker. */
export interface Bindings extends Env {
  /** Each key and each group has one object, named by its id. */
  ACCOUNTS: DurableObjectNamespace<KeyAccountCalls>
  /** Each deployment has one object for keys, one for groups and one for its alerts. */
  DIRECTORY: DurableObjectNamespace<DirectoryCalls>
}

/** The number is the shard's, so that more of them can be added. */
export const DIRECTORY_NAME = 'directory-1'

/** Groups have a directory of their own, so that no sum of keys counts a request twice. */
export const GROUPS_NAME = 'groups-1'

/** The deployment's alerts have an object of their own, since some of them say that the directory fails. */
export const ALERT_DESK_NAME = 'alerts-1'

export function accountOf(env: Bindings, keyId: string): DurableObjectStub<KeyAccountCalls> {
  return env.ACCOUNTS.getByName(keyId, hintOf(env))
}

export function directoryOf(env: Bindings): DurableObjectStub<DirectoryCalls> {
  return env.DIRECTORY.getByName(DIRECTORY_NAME, hintOf(env))
}

export function groupDirectoryOf(env: Bindings): DurableObjectStub<DirectoryCalls> {
  return env.DIRECTORY.getByName(GROUPS_NAME, hintOf(env))
}

/** The directory to which the account of a key or of a group reports. */
export function directoryOfOwner(env: Bindings, ownerId: string): DurableObjectStub<DirectoryCalls> {
  return isGroupId(ownerId) ? groupDirectoryOf(env) : directoryOf(env)
}

export function alertDeskOf(env: Bindings): DurableObjectStub<DirectoryCalls> {
  return env.DIRECTORY.getByName(ALERT_DESK_NAME, hintOf(env))
}

/** The hint counts at an object's first use only. Without one, the object is created near its first caller. */
function hintOf(env: Env): DurableObjectNamespaceGetDurableObjectOptions {
  // The accounts have no parsed configuration. `parseConfig` refuses a bad hint before anything is called.
  const locationHint = LOCATION_HINTS.find((hint) => hint === env.ACCOUNTS_LOCATION_HINT)
  return locationHint === undefined ? {} : { locationHint }
}
