/** Formats the figures: the lines of a scenario for the terminal, and the Markdown table of a run. */
import type { Figures, Metric, Results, Scenario, Spread } from './figures.ts'
import type { SubjectName } from './subjects.ts'
import { COMPLETION_MS_MAX, GZIP_BYTES_MAX, START_MS_MAX, type Target, TARGETS } from './targets.ts'

const UNITS: Record<Metric, string> = {
  requestsPerSecond: 'requests/s',
  cpuMicrosPerRequest: 'µs CPU/request',
  chunksPerSecond: 'chunks/s',
  cpuMicrosPerChunk: 'µs CPU/chunk',
  firstByteP50Ms: 'ms to first byte',
  p50Ms: 'ms p50',
  p99Ms: 'ms p99',
  failures: 'failed',
  cpuMsToAnswer: 'ms CPU',
  memoryMiB: 'MiB',
  memoryKiBPerStream: 'KiB/stream',
}

/** One line a subject: medians with their ranges, and the ratios to the bare Worker. */
export function scenarioLines({ name, subjects }: Scenario): string[] {
  return [
    name,
    ...Object.entries(subjects).map(([subject, figures]) => `  ${subject.padEnd(15)} ${lineOf(figures)}`),
  ]
}

function lineOf(figures: Figures): string {
  return (Object.keys(UNITS) as Metric[])
    .flatMap((metric) => {
      const figure = figures[metric]
      if (figure === undefined || (metric === 'failures' && figure.max === 0)) return []
      const ratio =
        figure.ratio === null || metric === 'failures' ? '' : ` (×${figure.ratio.median.toFixed(2)})`
      return [`${rangeOf(figure, short)} ${UNITS[metric]}${ratio}`]
    })
    .join(', ')
}

const HEADINGS = [
  '',
  'target',
  'gateway ÷ bare Worker',
  'gateway ÷ skeleton',
  'gateway',
  'skeleton',
  'bare Worker',
  'naive ÷ bare Worker',
]

/** One row a target: the target, the ratio to the bare Worker with its range, and the absolute medians. */
export function summaryTable(results: Results): string {
  const { cores, cpu, node, workerd } = results.machine
  const rows = [
    HEADINGS,
    HEADINGS.map(() => '---'),
    ...TARGETS.map((target) => targetRow(target, results)),
    firstRow(
      'CPU to start an isolate, above an empty one',
      `≤ ${START_MS_MAX} ms`,
      results,
      'start',
      'empty',
    ),
    firstRow(
      'CPU to its first completion, above the bare Worker',
      `≤ ${COMPLETION_MS_MAX} ms`,
      results,
      'first completion',
      'bare',
    ),
    bundleRow(results),
  ]
  return [
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
    '',
    `Medians and ranges of the rounds; ${cores} cores (${cpu}), Node ${node.slice(1)}, workerd ${workerd}.`,
  ].join('\n')
}

function targetRow(target: Target, { scenarios }: Results): string[] {
  const { what, scenario, subject, metric, ratioMax, skeletonRatioMax } = target
  const found = scenarios.find(({ name }) => name === scenario)?.subjects
  const figure = (name: SubjectName) => found?.[name]?.[metric]
  const skeleton = subject === 'always' ? 'skeleton-always' : 'skeleton'
  const toSkeleton = (figure(subject)?.median ?? NaN) / (figure(skeleton)?.median ?? NaN)
  const absolute = (name: SubjectName): string => {
    const spread = figure(name)
    return spread === undefined ? '' : `${short(spread.median)} ${UNITS[metric].split(' ', 1)[0]}`
  }
  const ratio = figure(subject)?.ratio
  return [
    what,
    `≤ ${ratioMax}`,
    ratio ? rangeOf(ratio, (value) => value.toFixed(2)) : 'not measured',
    Number.isNaN(toSkeleton)
      ? ''
      : toSkeleton.toFixed(2) + (skeletonRatioMax ? ` (≤ ${skeletonRatioMax})` : ''),
    absolute(subject),
    absolute(skeleton),
    absolute('bare'),
    figure('naive')?.ratio?.median.toFixed(2) ?? '',
  ]
}

/** The CPU time to a first answer: the difference of the gateway and of the naive gateway to `base`. */
function firstRow(
  what: string,
  target: string,
  { scenarios }: Results,
  scenario: string,
  base: SubjectName,
): string[] {
  const found = scenarios.find(({ name }) => name === scenario)?.subjects
  const median = (name: SubjectName): number => found?.[name]?.cpuMsToAnswer?.median ?? NaN
  const above = (name: SubjectName, unit: string): string => {
    const ms = median(name) - median(base)
    return Number.isNaN(ms) ? 'not measured' : `${ms.toFixed(1)} ${unit}`
  }
  return [what, target, '', '', above('gateway', 'ms'), '', '', above('naive', 'ms above')]
}

function bundleRow({ bundle }: Results): string[] {
  const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`
  return [
    'bundle, gzip (raw)',
    `≤ ${kib(GZIP_BYTES_MAX)}`,
    '',
    '',
    `${kib(bundle.gzipBytes)} (${kib(bundle.bytes)})`,
    '',
    '',
    '',
  ]
}

function rangeOf({ median, min, max }: Spread, shown: (value: number) => string): string {
  return `${shown(median)} (${shown(min)}–${shown(max)})`
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
