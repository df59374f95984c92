/** The metrics of the gateway, as a monitoring system reads them. Pure. */
import { NO_MODEL } from '../accounts/ledger.ts'
import type { MetricGroup, MetricGrouping, MetricName, Metrics } from '../accounts/metric-list.ts'
import { type Measure, measuredTimes, TIME_BOUNDS_SECONDS } from '../accounts/request-times.ts'
import { usdOf } from '../accounts/usage-report.ts'
import { type Family, histogramSamples, type Labels, openMetrics, type Sample } from './open-metrics.ts'

/** Series of models, of keys and of groups have names of their own, so that the sum of all series of a name counts nothing twice. */
const PREFIX: Readonly<Record<MetricGrouping, string>> = {
  model: 'gateway_',
  key: 'gateway_key_',
  group: 'gateway_group_',
}

type Summed = Omit<Family, 'samples' | 'type'> & { type: 'counter' | 'gauge'; sum: MetricName }

const SUMS: readonly Summed[] = [
  { name: 'requests', type: 'counter', sum: 'requests', help: 'Requests that reached the model.' },
  { name: 'failures', type: 'counter', sum: 'failures', help: 'Requests that the upstream failed.' },
  {
    name: 'cost_usd',
    type: 'counter',
    unit: 'usd',
    sum: 'costMicroUsd',
    help: 'Cost by the prices of the models. Of pending requests it is what is expected.',
  },
  {
    name: 'estimated_cost_usd',
    type: 'gauge',
    unit: 'usd',
    sum: 'estimatedMicroUsd',
    help: 'The part of the cost that is not exact: of pending and of estimated requests.',
  },
  {
    name: 'pending_requests',
    type: 'gauge',
    sum: 'pending',
    help: 'Requests whose usage is still asked for.',
  },
  {
    name: 'estimated_requests',
    type: 'counter',
    sum: 'estimated',
    help: 'Requests whose usage stays estimated.',
  },
]

const TOKEN_KINDS = [
  ['prompt', 'newPromptTokens'],
  ['cached_prompt', 'cachedPromptTokens'],
  ['completion', 'visibleCompletionTokens'],
  ['reasoning', 'reasoningTokens'],
] as const satisfies readonly (readonly [kind: string, sum: MetricName])[]

export function metricsText(by: MetricGrouping, { groups, keys }: Metrics): string {
  // Refusals have no model, and nothing else is without one.
  const named = groups.filter(({ value }) => value !== NO_MODEL)
  const families = [
    ...SUMS.map((summed) => sumFamily(by, named, summed)),
    tokens(by, named),
    refusals(by, groups),
    histogram(
      by,
      named,
      'first_output',
      'firstOutput',
      'Time from admission to the first output of a stream.',
    ),
    histogram(by, named, 'request_duration', 'duration', 'Time from admission to the end of a request.'),
  ]
  return openMetrics([
    ...families.map((family) => ({ ...family, name: PREFIX[by] + family.name })),
    by === 'model' ? keyStates(keys) : names(by, groups),
  ])
}

function sumFamily(by: MetricGrouping, groups: readonly MetricGroup[], { sum, ...family }: Summed): Family {
  const samples = groups.map((group) => {
    const value = family.unit === 'usd' ? usdOf(group[sum]) : group[sum]
    return sample(family.type, { [by]: group.value }, value)
  })
  return { ...family, samples }
}

function tokens(by: MetricGrouping, groups: readonly MetricGroup[]): Family {
  const samples = groups.flatMap((group) =>
    TOKEN_KINDS.map(([kind, sum]) => sample('counter', { [by]: group.value, kind }, group[sum])),
  )
  const help = 'Tokens, each of one kind: prompt is without cached ones, completion without reasoning.'
  return { name: 'tokens', type: 'counter', help, samples }
}

/** Most requests are refused before their model is read. So beside models they are one series. */
function refusals(by: MetricGrouping, groups: readonly MetricGroup[]): Family {
  const samples =
    by === 'model'
      ? [
          sample(
            'counter',
            {},
            groups.reduce((sum, { refused }) => sum + refused, 0),
          ),
        ]
      : groups.map(({ value, refused }) => sample('counter', { [by]: value }, refused))
  return { name: 'refusals', type: 'counter', help: 'Requests that limits or a budget refused.', samples }
}

function histogram(
  by: MetricGrouping,
  groups: readonly MetricGroup[],
  name: string,
  measure: Measure,
  help: string,
): Family {
  const samples = groups.flatMap(({ value, times }) => {
    const { cumulative, sumMs } = measuredTimes(times, measure)
    return histogramSamples({ [by]: value }, TIME_BOUNDS_SECONDS, cumulative, sumMs / 1_000)
  })
  return { name: `${name}_seconds`, type: 'histogram', unit: 'seconds', help, samples }
}

/** A name can change. As a label of each series it would begin new ones. */
function names(by: 'key' | 'group', groups: readonly MetricGroup[]): Family {
  const samples = groups.flatMap(({ value, name }) =>
    name === null ? [] : [{ suffix: '_info', labels: { [by]: value, name }, value: 1 }],
  )
  return { name: `gateway_${by}`, type: 'info', help: `The name of a ${by}.`, samples }
}

function keyStates(keys: Metrics['keys']): Family {
  const samples = Object.entries(keys).map(([state, count]) => sample('gauge', { state }, count))
  return { name: 'gateway_keys', type: 'gauge', help: 'Keys by state.', samples }
}

function sample(type: 'counter' | 'gauge', labels: Labels, value: number): Sample {
  return { suffix: type === 'counter' ? '_total' : '', labels, value }
}
