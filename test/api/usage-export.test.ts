/** The operator downloads usage as CSV. */
import { reset } from 'cloudflare:test'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { NO_USAGE } from '../../src/accounts/ledger.ts'
import type { Bindings } from '../../src/accounts/objects.ts'
import type { UsageRow } from '../../src/accounts/usage-protocol.ts'
import { EXPORT_PAGE_ROWS, type ExportPage } from '../../src/accounts/usage-export.ts'
import { csvLine, plainText } from '../../src/wire/csv.ts'
import { ADMIN_TOKEN, env, errorOf, issueKey, send } from '../support/gateway.ts'
import { isolate } from '../support/isolate.ts'

const TODAY = '2027-01-05'

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse(`${TODAY}T12:00:00Z`), toFake: ['Date'] })
})
afterEach(async () => {
  vi.useRealTimers()
  await reset()
})

const directory = () => env.DIRECTORY.getByName('directory-1')

function row(date: string, model: string, costMicroUsd: number): UsageRow {
  return { ...NO_USAGE, date, model, requests: 1, promptTokens: 7, costMicroUsd, estimatedMicroUsd: 1 }
}

/** By the grammar of RFC 4180, section 2. It throws for text that the grammar does not have. */
function parseCsv(text: string): string[][] {
  const lines: string[][] = []
  let fields: string[] = []
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y
  while (field.lastIndex < text.length) {
    const at = field.lastIndex
    const match = field.exec(text)
    if (match === null) throw new Error(`no field at ${at}: ${text.slice(at, at + 50)}`)
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
    if (match[3] === ',') continue
    lines.push(fields)
    fields = []
  }
  return lines
}

async function download(query = ''): Promise<Record<string, string>[]> {
  const response = await send('GET', `/admin/usage?format=csv${query}`, ADMIN_TOKEN)
  expect(response.status).toBe(200)
  const [head = [], ...lines] = parseCsv(await response.text())
  return lines.map((line) => {
    expect(line).toHaveLength(head.length)
    return Object.fromEntries(head.map((name, at) => [name, line[at] ?? '']))
  })
}

describe('the download', () => {
  it('has a row for each day, key and model of the range, with costs in dollars', async () => {
    const { id } = await issueKey({ name: 'alice' })
    const rows = [row('2027-01-03', 'm1', 5), row('2027-01-04', 'm1', 1_500_000), row('2027-01-04', 'm2', 0)]
    await directory().reportUsage({ keyId: id, revision: 1, rows })
    await directory().reportUsage({ keyId: 'unknown', revision: 1, rows: [row(TODAY, 'm1', 2)] })
    const shown = await download(`&from=2027-01-04&to=${TODAY}`)
    expect(shown.map((line) => [line['date'], line['key_id'], line['key_name'], line['model']])).toEqual([
      ['2027-01-04', id, 'alice', 'm1'],
      ['2027-01-04', id, 'alice', 'm2'],
      [TODAY, 'unknown', '', 'm1'],
    ])
    expect(shown[0]).toMatchObject({
      requests: '1',
      prompt_tokens: '7',
      cost_usd: '1.500000',
      estimated_usd: '0.000001',
    })
  })

  it('is a file with a name, which no cache keeps', async () => {
    const response = await send('GET', `/admin/usage?format=csv&from=2027-01-01&to=${TODAY}`, ADMIN_TOKEN)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': `attachment; filename="usage-2027-01-01-to-${TODAY}.csv"`,
      'cache-control': 'no-store',
    })
    expect(parseCsv(await response.text())).toHaveLength(1)
  })

  it('has all rows, once and in order, where they are many pages', async () => {
    const models = Array.from({ length: EXPORT_PAGE_ROWS }, (_, at) => `m${`${at}`.padStart(5, '0')}`)
    for (const [keyId, used] of [
      ['a', models],
      ['b', models.slice(0, 2_500)],
    ] as const) {
      const rows = used.map((model) => row(TODAY, model, 1))
      await directory().reportUsage({ keyId, revision: 1, rows })
      const shown = await download()
      const expected = keyId === 'a' ? models : [...models, ...used]
      expect(shown.map((line) => line['model'])).toEqual(expected)
    }
  })

  it('has no formula in a name, and reads back as the name otherwise', async () => {
    const names = [
      '=1+1',
      '+1',
      '-1',
      '@SUM(A1)',
      '\t=1',
      ' =1',
      'a;=1',
      'a"\n=1',
      '＝1',
      'x,"y"\r\nz',
      'zoë 表',
    ]
    const shown = ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "\t'=1", " '=1", "a;'=1", 'a"\n\'=1', "'＝1"]
    for (const name of names) {
      const { id } = await issueKey({ name })
      await directory().reportUsage({ keyId: id, revision: 1, rows: [row(TODAY, 'm', 1)] })
    }
    const lines = await download()
    expect(new Set(lines.map((line) => line['key_name']))).toEqual(new Set([...shown, ...names.slice(-2)]))
  })

  it.each(['by=key', 'limit=5', 'cursor=x', 'priceAs=o3-mini', 'from=x', 'format=xml'])(
    'with %s is a 400 that names the parameter',
    async (pair) => {
      const response = await send(
        'GET',
        `/admin/usage?format=csv&${pair}`.replace('csv&format=', ''),
        ADMIN_TOKEN,
      )
      expect([response.status, (await errorOf(response)).param]).toEqual([400, pair.split('=')[0]])
    },
  )
})

describe('a directory that fails', () => {
  const full: ExportPage = {
    kind: 'page',
    rows: Array.from({ length: EXPORT_PAGE_ROWS }, () => ({
      ...row(TODAY, 'm', 1),
      keyId: 'a',
      tags: '',
      name: null,
    })),
  }
  const withDirectory = (exportUsage: () => Promise<ExportPage>) => {
    const DIRECTORY = { getByName: () => ({ exportUsage }) } as unknown as Bindings['DIRECTORY']
    return isolate(undefined, { DIRECTORY })
  }

  it('is 503 at the first page', async () => {
    const failing = withDirectory(() => Promise.reject(new Error('down')))
    const response = await failing('GET', '/admin/usage?format=csv', ADMIN_TOKEN)
    expect([response.status, (await errorOf(response)).code]).toEqual([503, 'usage_unavailable'])
  })

  it('breaks the download off at a later page, so that a part is not taken for the whole', async () => {
    const down = () => Promise.reject<ExportPage>(new Error('down'))
    const pages = vi.fn<() => Promise<ExportPage>>(down).mockResolvedValueOnce(full)
    await expect(withDirectory(pages)('GET', '/admin/usage?format=csv', ADMIN_TOKEN)).rejects.toThrow(
      'usage_unavailable',
    )
    expect(pages).toHaveBeenCalledTimes(2)
  })
})

describe('any text', () => {
  it('is one field of one line, and no cell of it begins a formula', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom('=', '+', '-', '@', ';', ',', '"', "'", '\r', '\n', '\t', ' ', 'a'),
      }),
    )
    fc.assert(
      fc.property(text, text, (one, two) => {
        const line = csvLine([plainText(one), plainText(two)])
        expect(parseCsv(line)).toEqual([[plainText(one), plainText(two)]])
        for (const cell of line.split(/[,;\t\r\n]/)) expect(cell).not.toMatch(/^[\s"]*[=+\-@]/)
      }),
      { numRuns: 2_000 },
    )
  })
})
