/** The directory: what the operator may ask of all keys, or of all groups. Accounts report to it. It decides nothing. */
import { DurableObject } from 'cloudflare:workers'
import type { RaisedAlert } from '../alerts/alert.ts'
import { AlertOutbox } from '../alerts/outbox.ts'
import { postWaiting } from '../alerts/webhook.ts'
import { DAY_MS, dateOf } from '../calendar.ts'
import { apiKeyView } from '../keys/api-key.ts'
import { Alarm } from './alarm.ts'
import { addUpDays, deleteSums } from './day-sums.ts'
import { DIRECTORY_MIGRATIONS } from './directory-schema.ts'
import {
  cursorOf,
  foldedName,
  type KeyCount,
  type KeyListQuery,
  type KeyPage,
  type KeyReport,
  type KeyRow,
  type ListedKey,
  type ListedState,
  selectKeyCount,
  selectKeys,
  type Statement,
} from './key-list.ts'
import {
  countRow,
  endSeries,
  metricGroup,
  type MetricGrouping,
  type MetricRow,
  type Metrics,
  selectKeyStates,
  selectMetrics,
} from './metric-list.ts'
import { migrate } from './migrations.ts'
import type { Bindings, DirectoryCalls } from './objects.ts'
import type { UsageReport } from './usage-protocol.ts'
import {
  exportedUsage,
  type ExportPage,
  type ExportQuery,
  type ExportRow,
  selectExport,
} from './usage-export.ts'
import {
  firstKeptDate,
  groupOf,
  type GroupRow,
  putRow,
  selectGroups,
  selectTotal,
  type TotalRow,
  usageCursorOf,
  type UsagePage,
  type UsageQuery,
} from './usage-list.ts'
import { usdOf } from './usage-report.ts'

/** Days whose sums are made in advance, each once. */
const DAYS_ADDED_UP = 31

export class Directory extends DurableObject<Bindings> implements DirectoryCalls {
  /** The date on which this instance has deleted old days. */
  #deletedOldDaysOn: string | null = null
  readonly #alerts: AlertOutbox
  readonly #alarm: Alarm

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env)
    this.#alerts = new AlertOutbox(ctx.storage.sql, ({ body }) => postWaiting(env, body))
    this.#alarm = new Alarm(ctx.storage)
    void ctx.blockConcurrencyWhile(async () => {
      migrate(ctx.storage, DIRECTORY_MIGRATIONS)
      await this.#alarm.load()
      this.#wake()
    })
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
    if (deletedAt !== null) this.#run(endSeries(view.id))
  }

  async list(query: KeyListQuery): Promise<KeyPage> {
    const rows = this.#run<KeyRow>(selectKeys(query, Date.now())).toArray()
    const page = rows.slice(0, query.limit)
    const last = rows.length > query.limit ? page.at(-1) : undefined
    return {
      kind: 'page',
      keys: page.map(listedKey),
      nextCursor: last === undefined ? null : cursorOf({ value: last.position, id: last.id }, query.sort),
    }
  }

  async countKeys(groupId: string): Promise<KeyCount> {
    return { kind: 'count', ...this.#run<{ keys: number }>(selectKeyCount(groupId)).one() }
  }

  /** A row that comes twice, too late or for a day that is no longer kept changes nothing. */
  async reportUsage({ rows, ...report }: UsageReport): Promise<void> {
    const nowMs = Date.now()
    this.#deleteOldDays(nowMs)
    const [firstDate, today] = [firstKeptDate(nowMs), dateOf(nowMs)]
    for (const row of rows) {
      if (row.date < firstDate) continue
      if (row.date < today) this.#run(deleteSums(row.date))
      const put = putRow(report, row)
      this.#run(countRow(put))
      this.#run(put)
    }
  }

  async usage(query: UsageQuery): Promise<UsagePage> {
    const { from, to, by, limit } = query
    const today = dateOf(Date.now())
    this.#run(addUpDays(from, to, today))
    const rows = this.#run<GroupRow>(selectGroups(query, today)).toArray()
    const page = rows.slice(0, limit)
    const last = rows.length > limit ? page.at(-1) : undefined
    return {
      kind: 'page',
      groups: page.map((row) => groupOf(by, row)),
      total: this.#run<TotalRow>(selectTotal(query, today)).one(),
      nextCursor: last === undefined ? null : usageCursorOf(by, last.value),
    }
  }

  async metrics(by: MetricGrouping): Promise<Metrics> {
    const groups = this.#run<MetricRow>(selectMetrics(by)).toArray().map(metricGroup)
    const keys = this.#run<Record<ListedState, number>>(selectKeyStates(Date.now())).one()
    return { kind: 'metrics', groups, keys }
  }

  async exportUsage(query: ExportQuery): Promise<ExportPage> {
    const rows = this.#run<ExportRow>(selectExport(query)).toArray()
    return { kind: 'page', rows: rows.map(exportedUsage) }
  }

  async raiseAlert(alert: RaisedAlert): Promise<void> {
    this.#alerts.raise(alert, 'webhook', Date.now())
    this.#wake()
  }

  override async alarm(): Promise<void> {
    this.#alarm.noteRun()
    await this.#alerts.send()
    this.#wake()
  }

  #wake(): void {
    const nextAtMs = this.#alerts.nextAtMs(Date.now())
    if (nextAtMs !== null) this.#alarm.wakeAt(Math.max(Date.now(), nextAtMs))
  }

  /** Once a day. It also makes the sums of days for which no more reports are expected. */
  #deleteOldDays(nowMs: number): void {
    const today = dateOf(nowMs)
    if (this.#deletedOldDaysOn === today) return
    this.#deletedOldDaysOn = today
    for (const table of ['usage', 'day_sums'])
      this.ctx.storage.sql.exec(`DELETE FROM ${table} WHERE date < ?`, firstKeptDate(nowMs))
    // Reports of the day before may still come.
    this.#run(addUpDays(dateOf(nowMs - DAYS_ADDED_UP * DAY_MS), dateOf(nowMs - 2 * DAY_MS), today))
  }

  #run<Row extends Record<string, SqlStorageValue>>({ sql, parameters }: Statement): SqlStorageCursor<Row> {
    return this.ctx.storage.sql.exec<Row>(sql, ...parameters)
  }
}

function listedKey({ view, deleted_at: deletedAt, today_micro_usd, month_micro_usd }: KeyRow): ListedKey {
  return {
    ...apiKeyView.parse(JSON.parse(view)),
    todayCostUsd: usdOf(today_micro_usd),
    monthCostUsd: usdOf(month_micro_usd),
    ...(deletedAt === null ? {} : { deletedAt }),
  }
}
