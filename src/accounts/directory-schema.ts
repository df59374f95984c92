/** The tables of the directory, as each version of the gateway has changed them. */
import { daySumsMigration } from './day-sums.ts'
import { GROUP_MIGRATION, STATE_MIGRATION } from './key-list.ts'
import { metricMigration, SHOWN_MIGRATION } from './metric-list.ts'
import type { Migrations } from './migrations.ts'
import { tagMigration } from './usage-list.ts'

export const DIRECTORY_MIGRATIONS: Migrations = [
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
  // Each query selects by date first, as the primary key does. A second index would cost one more row for each row written.
  `CREATE TABLE usage (
     date TEXT NOT NULL,
     key_id TEXT NOT NULL,
     model TEXT NOT NULL,
     revision INTEGER NOT NULL,
     requests INTEGER NOT NULL,
     failures INTEGER NOT NULL,
     prompt_tokens INTEGER NOT NULL,
     cached_tokens INTEGER NOT NULL,
     completion_tokens INTEGER NOT NULL,
     reasoning_tokens INTEGER NOT NULL,
     cost_micro_usd INTEGER NOT NULL,
     pending INTEGER NOT NULL,
     estimated INTEGER NOT NULL,
     estimated_micro_usd INTEGER NOT NULL,
     PRIMARY KEY (date, key_id, model)
   ) WITHOUT ROWID;`,
  'ALTER TABLE usage ADD COLUMN refused INTEGER NOT NULL DEFAULT 0',
  metricMigration,
  GROUP_MIGRATION,
  tagMigration,
  daySumsMigration,
  SHOWN_MIGRATION,
  STATE_MIGRATION,
]
