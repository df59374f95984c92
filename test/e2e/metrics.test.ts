/** A real Prometheus scrapes the gateway with the README's configuration, and answers questions about it. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { parseOpenMetrics, plainTextOf } from '../support/open-metrics.ts'
import { ADMIN_TOKEN } from '../support/node/doctor.ts'
import { hasNoPrometheus, type Prometheus, startPrometheus } from '../support/node/prometheus.ts'

const url = inject('gatewayUrl')
const authorization = `Bearer ${ADMIN_TOKEN}`

interface Panel {
  title: string
  targets?: { expr: string }[]
  panels?: Panel[]
}

const dashboard = JSON.parse(readFileSync('src/console/grafana.json', 'utf8')) as {
  panels: Panel[]
}
// A row has its panels in itself.
const expressions = dashboard.panels
  .flatMap((panel) => [panel, ...(panel.panels ?? [])])
  .flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))

async function metrics(by: string): Promise<string> {
  return (await fetch(`${url}/admin/metrics?by=${by}`, { headers: { authorization } })).text()
}

/** The README's configuration for the gateway of these tests, scraped each second. */
function configuration(tokenPath: string): string {
  const [, config = ''] = /```yaml\n([^]*?)```/.exec(readFileSync('src/admin/README.md', 'utf8')) ?? []
  return config
    .replaceAll('scheme: https', 'scheme: http')
    .replaceAll('scrape_interval: 60s', 'scrape_interval: 1s')
    .replaceAll('/etc/prometheus/gateway-admin-token', tokenPath)
    .replaceAll('o3-mini-gateway.<your subdomain>.workers.dev', new URL(url).host)
}

async function createKey(name: string): Promise<{ id: string; secret: string }> {
  const response = await fetch(`${url}/admin/keys`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ name, limits: { tokensPerMinute: 1_000_000 } }),
  })
  return (await response.json()) as { id: string; secret: string }
}

async function stream(secret: string): Promise<void> {
  const usage = { prompt_tokens: 1_000, completion_tokens: 500, total_tokens: 1_500 }
  const simulate = { thinkMs: 0, firstByteDelayMs: 0, chunkDelayMs: 0, usage }
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'o3-mini',
      stream: true,
      messages: [{ role: 'user', content: 'Hi' }],
      simulate,
    }),
  })
  await response.text()
}

describe.skipIf(hasNoPrometheus)('Prometheus', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-metrics-'))
  let prometheus: Prometheus
  beforeAll(async () => {
    const tokenPath = join(folder, 'token')
    // An editor ends a file with a line break, and Prometheus trims it.
    writeFileSync(tokenPath, `${ADMIN_TOKEN}\n`)
    prometheus = await startPrometheus(configuration(tokenPath))
  })
  afterAll(async () => {
    await prometheus.stop()
    rmSync(folder, { recursive: true })
  })

  it('reads the questions of the README, and counts a request with its cost, its tokens, its times and the name of its key', async () => {
    const name = 'monitored "\\\n\r\t\0} 🔑'
    const { id, secret } = await createKey(name)
    await stream(secret)
    const ofKey = `{key="${id}"}`
    const ofModel = 'gateway_requests_total{model="o3-mini"}'
    for (const expression of [`gateway_key_requests_total${ofKey}`, ofModel])
      await vi.waitFor(async () => expect(await prometheus.query(expression)).toHaveLength(1), {
        timeout: 30_000,
        interval: 250,
      })
    const valueOf = async (expression: string) => (await prometheus.query(expression))[0]?.value[1]
    expect(
      await prometheus.query(
        `gateway_key_requests_total${ofKey} * on (key) group_left (name) gateway_key_info`,
      ),
    ).toMatchObject([{ metric: { key: id, name }, value: [expect.any(Number), '1'] }])
    expect(await valueOf(`gateway_key_cost_usd_total${ofKey}`)).toBe('0.0033')
    expect(await valueOf(`sum(gateway_key_tokens_total${ofKey})`)).toBe('1500')
    expect(await valueOf(`gateway_key_first_output_seconds_count${ofKey}`)).toBe('1')
    const median = await valueOf(
      `histogram_quantile(0.5, gateway_key_request_duration_seconds_bucket${ofKey})`,
    )
    expect(Number(median)).toBeGreaterThan(0)
    expect(Number(await valueOf(ofModel))).toBeGreaterThanOrEqual(1)
    expect(Number(await valueOf('gateway_keys{state="active"}'))).toBeGreaterThanOrEqual(1)
    const healths = async () =>
      Object.fromEntries((await prometheus.targets()).map(({ scrapePool, health }) => [scrapePool, health]))
    // A question that no query above has waited for may not have been asked yet.
    await expect
      .poll(healths, { timeout: 30_000, interval: 250 })
      .toEqual({ gateway: 'up', 'gateway-keys': 'up', 'gateway-groups': 'up' })
  })

  it('knows the type and the unit of each family', async () => {
    const families = [
      ...parseOpenMetrics(await metrics('model')).values(),
      ...parseOpenMetrics(await metrics('key')).values(),
    ]
    await vi.waitFor(
      async () => {
        const known = await prometheus.metadata()
        for (const { name, type, unit = '' } of families)
          expect([name, known[name]?.[0]]).toEqual([name, expect.objectContaining({ type, unit })])
      },
      { timeout: 30_000, interval: 250 },
    )
  })

  it('understands each question of the dashboard', async () => {
    for (const expression of expressions)
      await expect(prometheus.query(expression)).resolves.toBeInstanceOf(Array)
  })

  it('has a linter that finds nothing', async () => {
    for (const by of ['model', 'key']) {
      const input = plainTextOf(parseOpenMetrics(await metrics(by)))
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
        input,
        encoding: 'utf8',
      })
      expect([status, stdout, stderr]).toEqual([0, '', ''])
    }
  })
})

it('the dashboard asks only for metrics that there are', async () => {
  const samples = (await Promise.all(['model', 'key', 'group'].map(metrics))).flatMap((text) =>
    [...parseOpenMetrics(text).values()].flatMap(({ name, type }) =>
      type === 'histogram'
        ? [`${name}_bucket`, `${name}_sum`, `${name}_count`]
        : [`${name}${{ counter: '_total', info: '_info' }[type] ?? ''}`],
    ),
  )
  const asked = new Set(expressions.flatMap((expression) => expression.match(/gateway_\w+/g) ?? []))
  expect([...asked].filter((name) => !samples.includes(name))).toEqual([])
  expect(expressions.length).toBeGreaterThan(10)
})
