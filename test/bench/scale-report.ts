/** The tables of the scale bench, in Markdown. */
import { cpus } from 'node:os'
import { type BillRow, USD_PER_MILLION } from './scale-bill.ts'
import type { DirectoryRows } from './scale-directory.ts'
import type { IsolatesRow } from './scale-isolates.ts'
import type { KeysRow } from './scale-keys.ts'

export type ScalePart = 'scale-keys' | 'scale-isolates' | 'scale-directory' | 'scale-bill'

export interface ScaleResults {
  keys: KeysRow[]
  directories: DirectoryRows[]
  isolates: IsolatesRow[]
  bill: BillRow[]
}

/** Each part's table, by the name of its markers in the README. A part that was not measured has none. */
export function scaleTables({ keys, directories, isolates, bill }: ScaleResults): Map<ScalePart, string> {
  const tables: [ScalePart, string[][]][] = [
    ['scale-keys', keysTable(keys)],
    ['scale-isolates', isolatesTable(isolates)],
    ['scale-directory', directories.length === 0 ? [] : directoryTable(directories)],
    ['scale-bill', bill.length === 0 ? [] : billTable(bill)],
  ]
  return new Map(
    tables
      .filter(([, rows]) => rows.length > 1)
      .map(([part, rows]) => [part, `${tableOf(rows)}\n\n${machine()}`]),
  )
}

function tableOf([head = [], ...body]: string[][]): string {
  return [head, head.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function machine(): string {
  const [cpu] = cpus()
  return `${cpus().length} cores (${cpu?.model ?? 'unknown'}), Node ${process.version}.`
}

function keysTable(rows: readonly KeysRow[]): string[][] {
  return [
    [
      'key with',
      'active keys',
      'CPU',
      'KV reads',
      'KV writes',
      'KV lists',
      'calls of accounts',
      'rows written',
      'heap of the isolate',
      'process',
    ],
    ...rows.map((row) => [
      row.kind,
      whole(row.keys),
      `${row.cpuMicros.toFixed(0)} µs`,
      ...[row.kvReads, row.kvWrites, row.kvLists, row.calls, row.rowsWritten].map(short),
      `${row.heapMiB.toFixed(1)} MiB`,
      `${row.residentMiB.toFixed(0)} MiB`,
    ]),
  ]
}

function isolatesTable(rows: readonly IsolatesRow[]): string[][] {
  return [
    [
      'key with',
      'isolates',
      'requests',
      'admitted in each minute',
      'limit',
      'CPU',
      'KV writes',
      'KV lists',
      'calls of the account',
      'rows written',
    ],
    ...rows.map((row) => [
      row.kind,
      whole(row.isolates),
      whole(row.requests),
      row.admitted.map(whole).join(', '),
      whole(row.limit),
      `${row.cpuMicros.toFixed(0)} µs`,
      ...[row.kvWrites, row.kvLists, row.calls, row.rowsWritten].map(short),
    ]),
  ]
}

function directoryTable(directories: readonly DirectoryRows[]): string[][] {
  const questions = directories[0]?.questions ?? []
  return [
    ['question', ...directories.map(({ keys }) => `${whole(keys)} keys`)],
    ...questions.map(({ question }, at) => [
      question,
      ...directories.map(({ questions: own }) => {
        const { rowsRead = NaN, ms = NaN, status = 0 } = own[at] ?? {}
        const time = Number.isNaN(ms) ? '' : `, ${ms.toFixed(0)} ms`
        return `${whole(rowsRead)}${time}${status === 200 ? '' : ` (${status})`}`
      }),
    ]),
    [
      'export of today: MiB, and growth of the heap',
      ...directories.map(
        ({ exportHeapMiB: { before, most, bytes } }) =>
          `${(bytes / 2 ** 20).toFixed(1)} MiB, ${(most - before).toFixed(1)} MiB`,
      ),
    ],
  ]
}

const OPERATIONS = [
  ['CPU ms', 'workerCpuMs'],
  ['KV reads', 'kvReads'],
  ['KV writes', 'kvWrites'],
  ['KV lists', 'kvLists'],
  ['object requests', 'objectRequests'],
  ['GB-s', 'objectGbSeconds'],
  ['rows read', 'rowsRead'],
  ['rows written', 'rowsWritten'],
] as const satisfies readonly (readonly [string, keyof typeof USD_PER_MILLION])[]

function billTable(rows: readonly BillRow[]): string[][] {
  return [
    ['key with', 'used', ...OPERATIONS.map(([title]) => title), 'USD a million'],
    [
      'price a million',
      '',
      ...OPERATIONS.map(([, name]) => `${USD_PER_MILLION[name]}`),
      `requests ${USD_PER_MILLION.workerRequests}`,
    ],
    ...rows.map(({ kind, pattern, operations, usd }) => [
      kind,
      pattern,
      ...OPERATIONS.map(([, name]) => short(operations[name])),
      usd.toFixed(2),
    ]),
  ]
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function short(value: number): string {
  if (value === 0) return '0'
  return value >= 10 ? value.toFixed(0) : Number(value.toPrecision(2)).toString()
}
