/** The directory: what the operator may ask of all keys. Accounts report to it. It decides nothing. */
import { DurableObject } from 'cloudflare:workers'
import { apiKeyView } from '../keys/api-key.ts'
import {
  cursorOf,
  foldedName,
  type KeyListQuery,
  type KeyPage,
  type KeyReport,
  type ListedKey,
  selectKeys,
} from './key-list.ts'
import { migrate, type Migrations } from './migrations.ts'
import type { Bindings, DirectoryCalls } from './objects.ts'
import type { UsageReport } from './protocol.ts'

const MIGRATIONS: Migrations = [
  `CREATE TABLE keys (
     id TEXT PRIMARY KEY,
     version INTEGER NOT NULL,
     view TEXT NOT NULL,
     name_folded TEXT NOT NULL,
     created_at_ms INTEGER NOT NULL,
     expires_at_ms INTEGER,
     disabled INTEGER NOT NULL,
     deleted_at TEXT
   ) WITHOUT ROWID;
   CREATE INDEX keys_by_name ON keys (name_folded, id);
   CREATE INDEX keys_by_creation ON keys (created_at_ms, id);`,
]

export class Directory extends DurableObject<Bindings> implements DirectoryCalls {
  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env)
    void ctx.blockConcurrencyWhile(async () => migrate(ctx.storage, MIGRATIONS))
  }

  /** A report that comes twice, or too late, changes nothing. */
  async report({ view, version, deletedAt }: KeyReport): Promise<void> {
    this.ctx.storage.sql.exec(
      `INSERT INTO keys (id, version, view, name_folded, created_at_ms, expires_at_ms, disabled, deleted_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET
         version = excluded.version, view = excluded.view, name_folded = excluded.name_folded,
         created_at_ms = excluded.created_at_ms, expires_at_ms = excluded.expires_at_ms,
         disabled = excluded.disabled, deleted_at = excluded.deleted_at
       WHERE excluded.version > keys.version`,
      view.id,
      version,
      JSON.stringify(view),
      foldedName(view.name),
      Date.parse(view.createdAt),
      view.expiresAt === null ? null : Date.parse(view.expiresAt),
      Number(view.disabled),
      deletedAt,
    )
  }

  async reportUsage(_report: UsageReport): Promise<void> {}

  async list(query: KeyListQuery): Promise<KeyPage> {
    const { sql, parameters } = selectKeys(query, Date.now())
    const rows = this.ctx.storage.sql.exec<KeyRow>(sql, ...parameters).toArray()
    const page = rows.slice(0, query.limit)
    const last = rows.length > query.limit ? page.at(-1) : undefined
    return {
      kind: 'page',
      keys: page.map(listedKey),
      nextCursor: last === undefined ? null : cursorOf({ value: last.position, id: last.id }, query.sort),
    }
  }
}

type KeyRow = { id: string; view: string; deleted_at: string | null; position: string | number }

function listedKey({ view, deleted_at: deletedAt }: KeyRow): ListedKey {
  return { ...apiKeyView.parse(JSON.parse(view)), ...(deletedAt === null ? {} : { deletedAt }) }
}
