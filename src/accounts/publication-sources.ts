/** What an account publishes: the copy of its record in KV, its report to the directory, and its usage. */
import { writeCopy } from '../keys/key-copy.ts'
import type { Account } from './account-store.ts'
import { reportOf } from './key-list.ts'
import { type Bindings, directoryOf } from './objects.ts'
import type { UsageRow } from './protocol.ts'
import type { Source, Target } from './publication.ts'
import { reportUsage } from './report-usage.ts'
import type { StoredKey } from './stored-key.ts'

/** `accountOf` gives the account as it is at the time of an attempt; `null` publishes nothing. */
export function sourcesOf(env: Bindings, accountOf: () => Account | null): Record<Target, Source> {
  const recordSource = (publish: (stored: StoredKey) => Promise<unknown>): Source => ({
    version: () => accountOf()?.stored.key.version ?? 0,
    publish: async () => {
      const account = accountOf()
      if (account !== null) await publish(account.stored)
    },
  })
  return {
    kv: recordSource(({ key, deletedAt }) => writeCopy(env.KV, key, deletedAt)),
    directory: recordSource((stored) => directoryOf(env).report(reportOf(stored))),
    usage: {
      version: () => accountOf()?.book.revision ?? 0,
      publish: async (acknowledged, note) => {
        const account = accountOf()
        if (account === null) return
        const keyId = account.stored.key.id
        const report = (revision: number, rows: UsageRow[]) =>
          directoryOf(env).reportUsage({ keyId, revision, rows })
        await reportUsage(account.book, acknowledged, report, note)
      },
    },
  }
}
