/** The text format of OpenMetrics 1.0, as far as the gateway's metrics need it. Pure. https://prometheus.io/docs/specs/om/open_metrics_spec/ */

export const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

export type Labels = Readonly<Record<string, string>>

/** A line of a family. `suffix` stands behind the family's name, such as `_total`. */
export interface Sample {
  suffix: string
  labels: Labels
  value: number
}

export interface Family {
  name: string
  type: 'counter' | 'gauge' | 'histogram' | 'info'
  /** The end of the name, where the numbers have a unit. */
  unit?: string
  /** One line without a backslash or quotes. */
  help: string
  samples: readonly Sample[]
}

export function openMetrics(families: readonly Family[]): string {
  return `${families.flatMap(linesOf).join('\n')}\n# EOF\n`
}

/** The samples of a histogram. `cumulative` counts up to each bound, and behind the last one all. */
export function histogramSamples(
  labels: Labels,
  boundsSeconds: readonly number[],
  cumulative: readonly number[],
  sumSeconds: number,
): Sample[] {
  const buckets = cumulative.map((value, at) => {
    const bound = boundsSeconds[at]
    return {
      suffix: '_bucket',
      labels: { ...labels, le: bound === undefined ? '+Inf' : floatOf(bound) },
      value,
    }
  })
  const count = cumulative.at(-1) ?? 0
  return [
    ...buckets,
    { suffix: '_count', labels, value: count },
    { suffix: '_sum', labels, value: sumSeconds },
  ]
}

function linesOf({ name, type, unit, help, samples }: Family): string[] {
  return [
    `# TYPE ${name} ${type}`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
    `# HELP ${name} ${help}`,
    ...samples.map(({ suffix, labels, value }) => `${name}${suffix}${labelText(labels)} ${value}`),
  ]
}

function labelText(labels: Labels): string {
  const texts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return texts.length === 0 ? '' : `{${texts.join(',')}}`
}

/** Any other character may stand in a label, control characters too. */
function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))
}

/** The spec wants `1.0` for the bound 1. */
function floatOf(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : String(bound)
}
