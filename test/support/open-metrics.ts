/** A strict parser of OpenMetrics 1.0, for what the gateway sends. It refuses what the spec forbids. */

export interface ParsedSample {
  /** With its suffix. */
  name: string
  labels: Record<string, string>
  value: number
}

export interface ParsedFamily {
  name: string
  type: string
  unit: string | undefined
  help: string
  samples: ParsedSample[]
}

/** The suffixes of each type's samples. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total'],
  gauge: [''],
  histogram: ['_bucket', '_count', '_sum'],
  info: ['_info'],
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const METADATA = new RegExp(`^# (TYPE|UNIT|HELP) (${NAME}) (.+)$`)
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`, 's')
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/y

/** The families by name. @throws Error for a text that is not valid. */
export function parseOpenMetrics(text: string): Map<string, ParsedFamily> {
  const lines = text.split('\n')
  if (lines.pop() !== '' || lines.pop() !== '# EOF') throw new Error('the text does not end with # EOF')
  const families = new Map<string, ParsedFamily>()
  let family: ParsedFamily | undefined
  for (const line of lines) {
    const [, keyword, name = '', value = ''] = METADATA.exec(line) ?? []
    if (keyword === 'TYPE') {
      if (families.has(name)) throw new Error(`two families have the name ${name}`)
      family = { name, type: value, unit: undefined, help: '', samples: [] }
      families.set(name, family)
      continue
    }
    if (family === undefined) throw new Error(`no family before ${line}`)
    if (keyword === undefined) {
      family.samples.push(sampleOf(line, family))
      continue
    }
    if (name !== family.name || family.samples.length > 0) throw new Error(`misplaced: ${line}`)
    if (keyword === 'HELP') family.help = value
    else family.unit = value
  }
  for (const parsed of families.values()) checkFamily(parsed)
  return families
}

/** The values of a sample's series, by their labels as JSON. */
export function valuesOf(families: Map<string, ParsedFamily>, name: string): Record<string, number> {
  const samples = [...families.values()].flatMap((family) => family.samples)
  const named = samples.filter((sample) => sample.name === name)
  return Object.fromEntries(named.map(({ labels, value }) => [Object.values(labels).join(' '), value]))
}

function sampleOf(line: string, family: ParsedFamily): ParsedSample {
  const [, name = '', labelText, valueText = ''] = SAMPLE.exec(line) ?? []
  const suffixes = SUFFIXES[family.type] ?? []
  if (!suffixes.some((suffix) => name === family.name + suffix))
    throw new Error(`not of ${family.name}: ${line}`)
  if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(valueText)) throw new Error(`no number: ${line}`)
  return { name, labels: labelsOf(labelText, line), value: Number(valueText) }
}

function labelsOf(text: string | undefined, line: string): Record<string, string> {
  const labels: Record<string, string> = {}
  if (text === undefined) return labels
  LABEL.lastIndex = 0
  for (let rest = true; rest;) {
    const match = LABEL.exec(text)
    if (match === null) throw new Error(`invalid labels: ${line}`)
    const [, name = '', escaped = '', end] = match
    if (name in labels) throw new Error(`the label ${name} comes twice: ${line}`)
    labels[name] = escaped.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character))
    rest = end === ','
    if (!rest && LABEL.lastIndex !== text.length) throw new Error(`text behind the labels: ${line}`)
  }
  return labels
}

function checkFamily({ name, type, unit, help, samples }: ParsedFamily): void {
  if (help === '') throw new Error(`${name} has no help`)
  if (name.endsWith('_total')) throw new Error(`${name}: the suffix belongs to the sample`)
  if (unit !== undefined && !name.endsWith(`_${unit}`)) throw new Error(`${name} does not end with its unit`)
  const series = samples.map((sample) =>
    JSON.stringify([sample.name, Object.entries(sample.labels).toSorted(([a], [b]) => (a < b ? -1 : 1))]),
  )
  if (new Set(series).size !== series.length) throw new Error(`${name} has a series twice`)
  if (type === 'gauge') return
  if (samples.some(({ value }) => value < 0)) throw new Error(`${name} has a negative count`)
  if (type === 'info' && samples.some(({ value }) => value !== 1)) throw new Error(`${name} is not 1`)
  if (type === 'histogram') checkHistogram(name, samples)
}

/** The buckets of a series stand together, by growing bounds, and the last one counts all. */
function checkHistogram(name: string, samples: readonly ParsedSample[]): void {
  let bound = -Infinity
  let count = 0
  for (const sample of samples) {
    const { le } = sample.labels
    if (sample.name === `${name}_bucket`) {
      if (le === undefined || !/^(\d+\.\d+|\+Inf)$/.test(le)) throw new Error(`${name} has the bound ${le}`)
      const next = le === '+Inf' ? Infinity : Number(le)
      if (next <= bound) throw new Error(`${name} has its bounds in disorder`)
      if (sample.value < count) throw new Error(`${name} has counts that fall`)
      bound = next
      count = sample.value
    } else if (sample.name === `${name}_count`) {
      if (bound !== Infinity || sample.value !== count)
        throw new Error(`${name}_count is not the last bucket`)
    } else {
      bound = -Infinity
      count = 0
    }
  }
}

/** The families in the older text format, which `promtool check metrics` reads. There, a type belongs to the samples' own name. */
export function plainTextOf(families: Map<string, ParsedFamily>): string {
  const lines = [...families.values()].flatMap(({ name, type, help, samples }) => {
    const own = type === 'counter' ? `${name}_total` : type === 'info' ? `${name}_info` : name
    return [
      `# HELP ${own} ${help}`,
      `# TYPE ${own} ${type === 'info' ? 'gauge' : type}`,
      ...samples.map((sample) => {
        const labels = Object.entries(sample.labels).map(([label, value]) => `${label}="${escaped(value)}"`)
        return `${sample.name}{${labels.join(',')}} ${sample.value}`
      }),
    ]
  })
  return `${lines.join('\n')}\n`
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
