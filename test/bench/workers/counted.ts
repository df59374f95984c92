/**
 * The gateway with objects that count what Cloudflare bills: calls and alarms, their wall-clock time, and rows. Routes below
 * `/bench/` create keys and fill the directory, faster than the operator's routes.
 */
import { Directory as ShippedDirectory } from '../../../src/accounts/directory.ts'
import { KeyAccount as ShippedAccount } from '../../../src/accounts/key-account.ts'
import { accountOf, type Bindings, directoryOf } from '../../../src/accounts/objects.ts'
import { app } from '../../../src/app.ts'
import { createSecret, hashSecret } from '../../../src/keys/secret.ts'
import type { CallCounts, Filling, NewKeys } from '../scale-counts.ts'
import { fillDirectory } from './fill-directory.ts'

/** The objects live in the isolate of this Worker, so that its fetch handler sees their counts. */
let counts: CallCounts = {}

/** The part of an object that counts. A cursor knows its rows once its statement has ended. */
class Meter {
  readonly #cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = []
  #alarms = 0

  constructor({ storage }: DurableObjectState) {
    const { sql } = storage
    const exec = sql.exec.bind(sql)
    sql.exec = (...statement) => {
      const cursor = exec(...statement)
      this.#cursors.push(cursor)
      return cursor as never
    }
    const setAlarm = storage.setAlarm.bind(storage)
    storage.setAlarm = (...alarm) => {
      this.#alarms += 1
      return setAlarm(...alarm)
    }
  }

  async measure<Answer>(name: string, entries: number, call: () => Promise<Answer>): Promise<Answer> {
    const startedMs = Date.now()
    try {
      return await call()
    } finally {
      const count = (counts[name] ??= { calls: 0, wallMs: 0, rowsRead: 0, rowsWritten: 0, entries: 0 })
      count.calls += 1
      count.wallMs += Date.now() - startedMs
      count.entries += entries
      for (const { rowsRead, rowsWritten } of this.#cursors.splice(0)) {
        count.rowsRead += rowsRead
        count.rowsWritten += rowsWritten
      }
      count.rowsWritten += this.#alarms
      this.#alarms = 0
    }
  }
}

const meters = new WeakMap<object, Meter>()

export class KeyAccount extends ShippedAccount {
  constructor(ctx: DurableObjectState, env: Bindings) {
    const meter = new Meter(ctx)
    super(ctx, env)
    meters.set(this, meter)
  }
}

export class Directory extends ShippedDirectory {
  constructor(ctx: DurableObjectState, env: Bindings) {
    const meter = new Meter(ctx)
    super(ctx, env)
    meters.set(this, meter)
  }

  async fill(filling: Filling): Promise<void> {
    const fill = () => fillDirectory(this, this.ctx.storage, filling)
    await (meters.get(this)?.measure('Directory.fill', 0, fill) ?? fill())
  }
}

countCalls('KeyAccount', KeyAccount.prototype, ShippedAccount.prototype)
countCalls('Directory', Directory.prototype, ShippedDirectory.prototype)

function countCalls(className: string, counted: object, shipped: object): void {
  for (const [method, { value }] of Object.entries(Object.getOwnPropertyDescriptors(shipped))) {
    if (method === 'constructor') continue
    const call = value as (...args: unknown[]) => Promise<unknown>
    Object.defineProperty(counted, method, {
      value(this: object, ...args: unknown[]) {
        const { entries = [] } = (args[1] ?? {}) as { entries?: unknown[] }
        const measured = () => call.apply(this, args)
        return meters.get(this)?.measure(`${className}.${method}`, entries.length, measured) ?? measured()
      },
    })
  }
}

export default {
  async fetch(request: Request, env: Bindings, context: ExecutionContext): Promise<Response> {
    switch (new URL(request.url).pathname) {
      case '/bench/counts': {
        const taken = counts
        counts = {}
        return Response.json(taken)
      }
      case '/bench/keys':
        return Response.json(await createKeys(env, await request.json<NewKeys>()))
      case '/bench/fill': {
        const directory = directoryOf(env) as unknown as { fill(filling: Filling): Promise<void> }
        await directory.fill(await request.json<Filling>())
        return Response.json({})
      }
      default:
        return app.fetch(request, env, context)
    }
  },
}

async function createKeys(
  env: Bindings,
  { count, limits }: NewKeys,
): Promise<{ id: string; secret: string }[]> {
  const createdAt = new Date().toISOString()
  return Promise.all(
    Array.from({ length: count }, async () => {
      const { id, secret } = createSecret()
      const secretSha256 = await hashSecret(secret)
      const key = { id, name: `key ${id}`, createdAt, expiresAt: null, disabled: false, limits, secretSha256 }
      await accountOf(env, id).create({ ...key, previous: null })
      return { id, secret }
    }),
  )
}
