/** Sums of usage: cards, the chart of days, and tables by day and model. The operator's and the holder's pages share them. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import type { DayTotals, ModelTotals, TaggedTotals, Totals } from '../api/answers/usage.ts'
import { count, plural, shortCount, usd } from '../format/numbers.ts'
import { dayName } from '../format/time.ts'
import { Bars } from './bars.tsx'
import { Segments } from './field.tsx'
import { Figure, Money } from './figures.tsx'

/** The four sums that matter, with their parts. */
export function UsageSums({ sums }: { sums: Totals }): JSX.Element {
  return (
    <dl class="figures">
      <Figure label="Cost" note={uncertainty(sums)}>
        <Money usd={sums.costUsd} />
      </Figure>
      <Figure label="Requests" note={shortfall(sums)}>
        {count(sums.requests)}
      </Figure>
      <Figure label="Prompt tokens" note={`${count(sums.cachedTokens)} of them cached`}>
        {count(sums.promptTokens)}
      </Figure>
      <Figure label="Completion tokens" note={`${count(sums.reasoningTokens)} of them reasoning`}>
        {count(sums.completionTokens)}
      </Figure>
    </dl>
  )
}

/** Refused requests are not among those that were sent to the model. */
function shortfall({ failures, refused }: Totals): string {
  if (failures === 0 && refused === 0) return 'None failed, none refused'
  return `${count(failures)} of them failed, ${count(refused)} more refused`
}

/** What of a cost is not exact yet, or never will be. */
function uncertainty({ pending, estimated, estimatedUsd }: Totals): string {
  if (pending === 0 && estimated === 0) return 'All exact'
  const parts = [
    ...(pending === 0 ? [] : [`${count(pending)} pending`]),
    ...(estimated === 0 ? [] : [`${count(estimated)} estimated`]),
  ]
  return `${usd(estimatedUsd)} of it not exact: ${parts.join(', ')}`
}

const MEASURES = [
  ['cost', 'Cost'],
  ['requests', 'Requests'],
  ['tokens', 'Tokens'],
] as const

/** The chart of days with the choice of its measure, and the table behind it. */
export function UsageDays({ days }: { days: readonly DayTotals[] }): JSX.Element {
  const measure = useSignal('cost')
  const title = MEASURES.find(([value]) => value === measure.value)?.[1] ?? ''
  return (
    <section class="card">
      <header class="card-head">
        <h2>By day (UTC)</h2>
        <Segments label="Measure" value={measure} choices={MEASURES} />
      </header>
      <Bars
        title={title}
        bars={days.map((sums) => ({ label: dayName(sums.date), ...measured(measure.value, sums) }))}
        format={measure.value === 'cost' ? usd : measure.value === 'tokens' ? shortCount : count}
      />
      <details>
        <summary>Table of these {plural(days.length, 'day')}</summary>
        <UsageTable
          caption="Usage by day"
          head="Day (UTC)"
          rows={days.toReversed().map((sums) => ({ id: sums.date, name: dayName(sums.date), ...sums }))}
        />
      </details>
    </section>
  )
}

function measured(measure: string, sums: Totals): { value: number; uncertain: number } {
  switch (measure) {
    case 'cost':
      return { value: sums.costUsd, uncertain: sums.estimatedUsd }
    case 'requests':
      return { value: sums.requests, uncertain: sums.pending + sums.estimated }
    default:
      return { value: sums.promptTokens + sums.completionTokens, uncertain: 0 }
  }
}

export function UsageModels({ models }: { models: readonly ModelTotals[] }): JSX.Element {
  return (
    <section class="card">
      <header class="card-head">
        <h2>By model</h2>
      </header>
      {models.length === 0 ? (
        <p class="muted">No model was called in these days.</p>
      ) : (
        <UsageTable
          caption="Usage by model"
          head="Model"
          rows={models.map((sums) => ({ id: sums.model, name: sums.model, ...sums }))}
        />
      )}
    </section>
  )
}

/** Each combination of tags, in the order of the answer: the dearest first. Nothing where no request had a tag. */
export function UsageTags({ tags }: { tags: readonly TaggedTotals[] }): JSX.Element | null {
  const names = [...new Set(tags.flatMap((sums) => Object.keys(sums.tags)))].toSorted()
  if (names.length === 0) return null
  return (
    <section class="card">
      <h2>By tag</h2>
      <UsageTable
        caption="Usage by tag"
        head={names.join(' / ')}
        rows={tags.map((sums) => ({
          id: JSON.stringify(sums.tags),
          name: names.map((name) => sums.tags[name] ?? '–').join(' / '),
          ...sums,
        }))}
      />
    </section>
  )
}

export type UsageTableRow = Totals & { id: string; name: string; href?: string }

export interface UsageTableProps {
  caption: string
  head: string
  rows: readonly UsageTableRow[]
}

export function UsageTable({ caption, head, rows }: UsageTableProps): JSX.Element {
  return (
    <div class="scroll" role="region" aria-label={caption} tabIndex={0}>
      <table class="sums">
        <caption class="sr-only">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{head}</th>
            {['Requests', 'Failed', 'Refused', 'Prompt', 'Completion', 'Reasoning', 'Not exact', 'Cost'].map(
              (name) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              <th scope="row">{row.href === undefined ? row.name : <a href={row.href}>{row.name}</a>}</th>
              <td class="number">{count(row.requests)}</td>
              <td class="number">{count(row.failures)}</td>
              <td class="number">{count(row.refused)}</td>
              <td class="number">{count(row.promptTokens)}</td>
              <td class="number">{count(row.completionTokens)}</td>
              <td class="number">{count(row.reasoningTokens)}</td>
              <td class="number">{count(row.pending + row.estimated)}</td>
              <td class="number">
                <Money usd={row.costUsd} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
