/** What an account publishes: the copy of its record in KV, its report to its directory, and its usage. A group has no copy. */
import type { ApiKey } from '../keys/api-key.ts'
import { isGroupId } from '../keys/group-id.ts'
import { writeCopy } from '../keys/key-copy.ts'
import type { Account } from './account-store.ts'
import { reportOf } from './key-list.ts'
import { type Bindings, directoryOfOwner } from './objects.ts'
import type { UsageRow } from './usage-protocol.ts'
import type { Source, Target } from './publication.ts'
import { reportUsage } from './report-usage.ts'
import type { StoredKey } from './stored-key.ts'

/** `accountOf` gives the account as it is at the time of an attempt; `null` publishes nothing. */
export function sourcesOf(env: Bindings, accountOf: () => Account | null): Record<Target, Source> {
  const recordSource = (
    publish: (stored: StoredKey) => Promise<unknown>,
    versionOf: (key: ApiKey) => number = ({ version }) => version,
  ): Source => ({
    version: () => {
      const account = accountOf()
      return account === null ? 0 : versionOf(account.stored.key)
    },
    publish: async () => {
      const account = accountOf()
      if (account !== null) await publish(account.stored)
    },
  })
  return {
    kv: recordSource(
      ({ key, deletedAt }) => writeCopy(env.KV, key, deletedAt),
      // No isolate looks for a group in KV: its account is asked.
      ({ id, version }) => (isGroupId(id) ? 0 : version),
    ),
    directory: recordSource((stored) => directoryOfOwner(env, stored.key.id).report(reportOf(stored))),
    usage: {
      version: () => accountOf()?.book.revision ?? 0,
      publish: async (acknowledged, note) => {
        const account = accountOf()
        if (account === null) return
        const keyId = account.stored.key.id
        const report = (revision: number, rows: UsageRow[]) =>
          directoryOfOwner(env, keyId).reportUsage({ keyId, revision, rows })
        await reportUsage(account.book, acknowledged, report, note)
      },
    },
  }
}
