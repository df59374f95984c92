/** The calendar of retirements: when the models in use end, and what the last days would have cost on each successor. */
import type { JSX } from 'preact'
import { dayDistance, longDayName } from '../format/time.ts'
import { CodeBlock } from '../parts/button.tsx'
import { Money } from '../parts/figures.tsx'
import { Answered } from '../parts/states.tsx'
import { type ModelEnd, readRetirements, type Retirements } from '../state/retirement.ts'
import { useAnswer } from '../state/use-answer.ts'

/** From so many days before a model's end on, it is marked. */
const SOON_DAYS = 60

export interface RetirementCalendarProps {
  /** UTC dates, both included. */
  from: string
  to: string
  /** The length of that range. */
  days: number
}

export function RetirementCalendar({ from, to, days }: RetirementCalendarProps): JSX.Element {
  const retirements = useAnswer(() => readRetirements(from, to), [from, to])
  return (
    <section class="card" aria-label="Models and their ends">
      <h2>Models and their ends</h2>
      <Answered question={retirements} lines={3}>
        {(shown) => <Calendar shown={shown} days={days} />}
      </Answered>
    </section>
  )
}

function Calendar({ shown, days }: { shown: Retirements; days: number }): JSX.Element {
  const { ends, successors, moves } = shown
  return (
    <div class="stack">
      <div class="scroll" role="region" aria-label="Models, ends and successors" tabIndex={0}>
        <table>
          <caption class="sr-only">Models, their ends, and the cost on their successors</caption>
          <thead>
            <tr>
              <th scope="col">Model</th>
              <th scope="col">End</th>
              <th scope="col" class="number">
                Last {days} days
              </th>
              {successors.map((slug) => (
                <th key={slug} scope="col" class="number">
                  On {nameOf(slug)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {ends.map((end) => (
              <EndRow key={end.model} end={end} />
            ))}
          </tbody>
        </table>
      </div>
      <p class="hint">
        The same tokens at other prices, without those of long requests and of cache writes, which sums do not
        tell. Another model may need more or fewer tokens.
      </p>
      {Object.keys(moves).length > 0 && (
        <>
          <p>To move, set this in wrangler.toml and deploy. Callers keep the name, the key and the URL.</p>
          <CodeBlock text={`MODELS = '${JSON.stringify(moves)}'`} what="line for wrangler.toml" />
        </>
      )}
    </div>
  )
}

function EndRow({ end }: { end: ModelEnd }): JSX.Element {
  const { model, slug, costUsd, onSuccessorsUsd } = end
  return (
    <tr>
      <th scope="row">
        {model}
        {slug !== null && nameOf(slug) !== model && <span class="sub">{slug}</span>}
      </th>
      <td>
        <End end={end} />
      </td>
      <td class="number">
        <Money usd={costUsd} />
      </td>
      {onSuccessorsUsd.map((usd, at) => (
        <td key={at} class="number">
          {usd === null ? <span class="muted">This model</span> : <Money usd={usd} />}
        </td>
      ))}
    </tr>
  )
}

function End({ end: { slug, shutdownDate, daysLeft } }: { end: ModelEnd }): JSX.Element {
  if (slug === null) return <span class="muted">No longer in MODELS</span>
  if (shutdownDate === null || daysLeft === null) return <span class="muted">None announced</span>
  const tone = daysLeft <= 0 ? 'bad' : daysLeft <= SOON_DAYS ? 'warn' : 'plain'
  return (
    <>
      <span class={`badge badge-${tone}`}>
        {daysLeft <= 0 ? 'Ended' : 'Ends'} {dayDistance(daysLeft)}
      </span>
      <span class="sub">{longDayName(shutdownDate)}</span>
    </>
  )
}

function nameOf(slug: string): string {
  return slug.slice(slug.indexOf('/') + 1)
}
