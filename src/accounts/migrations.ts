/** Numbered changes of a Durable Object's schema. Each runs once, in a transaction of its own. */

/**
 * SQL of the migration with the number `index + 1`, or the function that makes it. An entry is never changed once it has been
 * deployed.
 */
export type Migrations = readonly (string | (() => string))[]

/** Whether the object has stored anything yet. */
export function isEmpty({ sql }: DurableObjectStorage): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").toArray().length === 0
}

/** Brings the storage up to the newest migration. */
export function migrate(storage: DurableObjectStorage, migrations: Migrations): void {
  const { sql } = storage
  const done = isEmpty(storage)
    ? 0
    : Number(sql.exec('SELECT max(number) AS number FROM migrations').one()['number'])
  migrations.slice(done).forEach((statements, index) => {
    storage.transactionSync(() => {
      sql.exec('CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY)')
      sql.exec(typeof statements === 'string' ? statements : statements())
      sql.exec('INSERT INTO migrations (number) VALUES (?)', done + index + 1)
    })
  })
}
