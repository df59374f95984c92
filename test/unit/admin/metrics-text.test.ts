import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NO_MODEL } from '../../../src/accounts/ledger.ts'
import { METRIC_GROUPINGS, type MetricGroup, type Metrics } from '../../../src/accounts/metric-list.ts'
import { addTimes, noTimes } from '../../../src/accounts/request-times.ts'
import { metricsText } from '../../../src/admin/metrics-text.ts'
import { parseOpenMetrics, valuesOf } from '../../support/open-metrics.ts'

const NOTHING: MetricGroup = {
  value: NO_MODEL,
  name: null,
  requests: 0,
  failures: 0,
  refused: 0,
  newPromptTokens: 0,
  cachedPromptTokens: 0,
  visibleCompletionTokens: 0,
  reasoningTokens: 0,
  costMicroUsd: 0,
  estimated: 0,
  pending: 0,
  estimatedMicroUsd: 0,
  times: noTimes(),
}

const KEYS = { active: 3, disabled: 2, expired: 1, deleted: 0 }

function metricsOf(...groups: Partial<MetricGroup>[]): Metrics {
  return { kind: 'metrics', groups: groups.map((group) => ({ ...NOTHING, ...group })), keys: KEYS }
}

function timesOf(...durationsMs: number[]): number[] {
  const times = noTimes()
  for (const durationMs of durationsMs) addTimes(times, { firstOutputMs: null, durationMs })
  return times
}

describe('the text of metrics', () => {
  it('has each family with type, unit and help before its samples, and ends with # EOF', () => {
    const text = metricsText(
      'model',
      metricsOf({ refused: 4 }, { value: 'o3-mini', requests: 7, costMicroUsd: 1 }),
    )
    expect(text.startsWith('# TYPE gateway_requests counter\n# HELP gateway_requests Requests')).toBe(true)
    expect(text).toContain('\ngateway_requests_total{model="o3-mini"} 7\n')
    expect(text).toContain(
      '# TYPE gateway_cost_usd counter\n# UNIT gateway_cost_usd usd\n# HELP gateway_cost_usd ',
    )
    expect(text).toContain('\ngateway_cost_usd_total{model="o3-mini"} 0.000001\n')
    expect(text).toContain('\ngateway_pending_requests{model="o3-mini"} 0\n')
    expect(text).toContain('\ngateway_refusals_total 4\n')
    expect(text).toContain('\ngateway_keys{state="disabled"} 2\n')
    expect(text.endsWith('\n# EOF\n')).toBe(true)
  })

  it('has cumulative buckets with the spec’s numbers, a count and a sum in seconds', () => {
    const text = metricsText('model', metricsOf({ value: 'm', times: timesOf(200, 700, 900, 601_000) }))
    const lines = text.split('\n').filter((line) => line.startsWith('gateway_request_duration_seconds'))
    expect(lines).toEqual([
      ...[
        ['0.25', 1],
        ['0.5', 1],
        ...['1.0', '2.0', '4.0', '8.0', '15.0', '30.0', '60.0', '120.0', '300.0', '600.0'].map((le) => [
          le,
          3,
        ]),
        ['+Inf', 4],
      ].map(([le, count]) => `gateway_request_duration_seconds_bucket{model="m",le="${le}"} ${count}`),
      'gateway_request_duration_seconds_count{model="m"} 4',
      'gateway_request_duration_seconds_sum{model="m"} 602.8',
    ])
  })

  it('has other names by key, by model and by group, so that no sum counts a request twice', () => {
    const metrics = metricsOf({ value: 'abcdefghijkl', requests: 1 })
    const names = METRIC_GROUPINGS.flatMap((by) => [...parseOpenMetrics(metricsText(by, metrics)).keys()])
    expect(names.length).toBeGreaterThan(30)
    expect(new Set(names).size).toBe(names.length)
  })

  it('has the name of a key in one series alone', () => {
    const metrics = metricsOf({ value: 'abcdefghijkl', name: 'alice' }, { value: 'other' })
    const text = metricsText('key', metrics)
    expect(text.match(/alice/g)).toHaveLength(1)
    expect(text).toContain('\ngateway_key_info{key="abcdefghijkl",name="alice"} 1\n')
    const ofGroup = metricsText('group', metricsOf({ value: 'grp_abcdefghijkl', name: 'red', refused: 3 }))
    expect(ofGroup).toContain('\ngateway_group_info{group="grp_abcdefghijkl",name="red"} 1\n')
    expect(ofGroup).toContain('\ngateway_group_refusals_total{group="grp_abcdefghijkl"} 3\n')
  })

  it('gives back every name and model that there can be', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
      fc.string({
        unit: fc.constantFrom('\\', '"', '\n', '\r', '}', '{', ',', '=', ' ', '#', 'n', '\0'),
        minLength: 1,
      }),
    )
    fc.assert(
      fc.property(hostile, fc.nat(), (text, requests) => {
        const byKey = parseOpenMetrics(metricsText('key', metricsOf({ value: 'id', name: text })))
        expect(byKey.get('gateway_key')?.samples).toEqual([
          { name: 'gateway_key_info', labels: { key: 'id', name: text }, value: 1 },
        ])
        const byModel = parseOpenMetrics(metricsText('model', metricsOf({ value: text, requests })))
        expect(valuesOf(byModel, 'gateway_requests_total')).toEqual({ [text]: requests })
      }),
      { seed: 1, numRuns: 1_000 },
    )
  })
})

describe('the parser of these tests', () => {
  it.each([
    ['no end', 'does not end', '# TYPE a gauge\n# HELP a A.\na 1\n'],
    ['a text behind the end', 'does not end', '# TYPE a gauge\n# HELP a A.\na 1\n# EOF\na 2\n'],
    ['a counter without its suffix', 'not of a', '# TYPE a counter\n# HELP a A.\na 1\n# EOF\n'],
    ['a sample of another family', 'not of a', '# TYPE a gauge\n# HELP a A.\nb 1\n# EOF\n'],
    ['a family twice', 'two families', '# TYPE a gauge\n# HELP a A.\n# TYPE a gauge\n# HELP a A.\n# EOF\n'],
    ['a series twice', 'a series twice', '# TYPE a gauge\n# HELP a A.\na{x="1"} 1\na{x="1"} 2\n# EOF\n'],
    ['a quote in a label', 'invalid labels', '# TYPE a gauge\n# HELP a A.\na{x="""} 1\n# EOF\n'],
    ['an unknown escape', 'invalid labels', '# TYPE a gauge\n# HELP a A.\na{x="\\t"} 1\n# EOF\n'],
    ['no number', 'no number', '# TYPE a gauge\n# HELP a A.\na NaN\n# EOF\n'],
    ['a negative counter', 'negative', '# TYPE a counter\n# HELP a A.\na_total -1\n# EOF\n'],
    ['a unit that the name lacks', 'its unit', '# TYPE a gauge\n# UNIT a usd\n# HELP a A.\na 1\n# EOF\n'],
    [
      'buckets that fall',
      'counts that fall',
      '# TYPE a histogram\n# HELP a A.\na_bucket{le="1.0"} 2\na_bucket{le="+Inf"} 1\n# EOF\n',
    ],
    ['a bound as an integer', 'the bound 1', '# TYPE a histogram\n# HELP a A.\na_bucket{le="1"} 2\n# EOF\n'],
    [
      'a count without its last bucket',
      'not the last bucket',
      '# TYPE a histogram\n# HELP a A.\na_bucket{le="1.0"} 2\na_count 2\n# EOF\n',
    ],
  ])('refuses %s', (_, message, text) => {
    expect(() => parseOpenMetrics(text)).toThrow(message)
  })
})
