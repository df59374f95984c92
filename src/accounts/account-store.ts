/** All that the account of a key has stored: the key's record, and the book of its requests. */
import { AccountBook } from './book.ts'
import { BOOK_MIGRATIONS } from './book-schema.ts'
import { isEmpty, migrate, type Migrations } from './migrations.ts'
import { type StoredKey, storedKey } from './stored-key.ts'

const MIGRATIONS: Migrations = [
  `CREATE TABLE record (one INTEGER PRIMARY KEY CHECK (one = 1), stored TEXT NOT NULL);
   CREATE TABLE publication (target TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;`,
  ...BOOK_MIGRATIONS,
]

export interface Account {
  readonly stored: StoredKey
  readonly book: AccountBook
}

export class AccountStore {
  readonly #storage: DurableObjectStorage
  #account: Account | null = null

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  /** `null` where the account has no key. It has stored nothing then: made-up key ids must not leave databases behind. */
  get account(): Account | null {
    return this.#account
  }

  /** Reads what an earlier life of the object has stored. */
  load(): void {
    const { sql } = this.#storage
    if (isEmpty(this.#storage)) return
    migrate(this.#storage, MIGRATIONS)
    const [row] = sql.exec<{ stored: string }>('SELECT stored FROM record').toArray()
    if (row === undefined) return
    this.#account = { stored: storedKey.parse(JSON.parse(row.stored)), book: new AccountBook(sql) }
  }

  /** Stores the key's first or next record. */
  save(stored: StoredKey): Account {
    const { sql } = this.#storage
    if (this.#account === null) migrate(this.#storage, MIGRATIONS)
    sql.exec('INSERT OR REPLACE INTO record (one, stored) VALUES (1, ?)', JSON.stringify(stored))
    this.#account = { stored, book: this.#account?.book ?? new AccountBook(sql) }
    return this.#account
  }
}
