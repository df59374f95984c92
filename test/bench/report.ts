/** The figures for people: all of a scenario as they come, and at the end a table of Markdown. */
import type { Figures, Metric, Results, Scenario, Spread } from './figures.ts'
import type { SubjectName } from './subjects.ts'
import { GZIP_BYTES_MAX, START_MS_MAX, startMs, type Target, TARGETS } from './targets.ts'

const UNITS: Record<Metric, string> = {
  requestsPerSecond: 'requests/s',
  cpuMicrosPerRequest: 'µs CPU/request',
  p50Ms: 'ms p50',
  p99Ms: 'ms p99',
  chunksPerSecond: 'chunks/s',
  cpuMicrosPerChunk: 'µs CPU/chunk',
  firstByteP50Ms: 'ms to first byte',
  cpuMsToStart: 'ms CPU',
  memoryMiB: 'MiB',
  memoryKiBPerStream: 'KiB/stream',
}

/** One line a subject: medians, with the range of what matters most and the ratio to the floor. */
export function scenarioLines({ name, subjects }: Scenario): string[] {
  return [
    name,
    ...Object.entries(subjects).map(([subject, figures]) => `  ${subject.padEnd(8)} ${lineOf(figures)}`),
  ]
}

function lineOf(figures: Figures): string {
  return (Object.keys(UNITS) as Metric[])
    .flatMap((metric) => {
      const figure = figures[metric]
      if (figure === undefined) return []
      const ratio = figure.ratio === null ? '' : ` (×${figure.ratio.median.toFixed(2)})`
      return [`${rangeOf(figure)} ${UNITS[metric]}${ratio}`]
    })
    .join(', ')
}

/** Of each promise: what came out as a ratio to the floor with its range, what that is in absolute figures, and others. */
export function summaryTable(results: Results): string {
  const { machine, bundle } = results
  const rows = [
    ...TARGETS.map((target) => targetRow(target, results)),
    [
      'CPU to start an isolate, above an empty one',
      `${startMs(results, 'gateway').toFixed(1)} ms`,
      `${START_MS_MAX} ms`,
      '',
      `${startMs(results, 'naive').toFixed(1)} ms`,
    ],
    [
      'bundle, gzip',
      `${(bundle.gzipBytes / 1024).toFixed(1)} KiB (${(bundle.bytes / 1024).toFixed(0)} raw)`,
      `${GZIP_BYTES_MAX / 1024} KiB`,
      '',
      '',
    ],
  ]
  return [
    '| what | gateway ÷ bare Worker | at most | gateway, bare Worker | naive ÷ bare Worker |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
    '',
    `${machine.cores} cores (${machine.cpu}), Node ${machine.node.slice(1)}, workerd ${machine.workerd}; medians and ranges of the rounds.`,
  ].join('\n')
}

function targetRow({ what, scenario, subject, metric, ratioMax }: Target, { scenarios }: Results): string[] {
  const found = scenarios.find(({ name }) => name === scenario)?.subjects
  const figure = (name: SubjectName) => found?.[name]?.[metric]
  const own = figure(subject)
  if (own === undefined || own.ratio === null) return [what, 'not measured', `${ratioMax}`, '', '']
  const absolutes = [own, figure('floor')].map((one) => (one === undefined ? '' : short(one.median)))
  return [
    what,
    `${own.ratio.median.toFixed(2)} (${own.ratio.min.toFixed(2)}–${own.ratio.max.toFixed(2)})`,
    `${ratioMax}`,
    `${absolutes.join(', ')} ${UNITS[metric].replace(/ CPU.*| p50| to.*/, '')}`,
    figure('naive')?.ratio?.median.toFixed(2) ?? '',
  ]
}

function rangeOf({ median, min, max }: Spread): string {
  return `${short(median)} [${short(min)}–${short(max)}]`
}

function short(value: number): string {
  if (value >= 1000) return value.toFixed(0)
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
