/** The explanation of a request in words: a short result, and sentences that say why and what to do. Pure. */
import type { RequestRecord } from '../api/answers/requests.ts'
import { count, milliseconds, plural, usd } from './numbers.ts'

export interface Explanation {
  /** Two or three words. */
  result: string
  mood: 'good' | 'warn' | 'bad'
  sentences: string[]
}

/** `owner` is the key or its group, as the subject of the sentence. */
const LIMITS: Readonly<Record<string, (owner: string, limit: number, used: number) => string>> = {
  requests: (owner, limit, used) =>
    `${owner} may send ${plural(limit, 'request')} a minute, and had sent ${count(used)}.`,
  tokens: (owner, limit, used) =>
    `${owner} may use ${plural(limit, 'token')} a minute, and had used ${count(used)}.`,
  tokens_too_large: (owner, limit, used) =>
    `The request alone needs ${plural(used, 'token')}. ${owner} may use ${count(limit)} a minute. Waiting does not help.`,
  requests_per_day: (owner, limit, used) =>
    `${owner} may send ${plural(limit, 'request')} a day (UTC), and had sent ${count(used)}.`,
  concurrent_requests: (owner, limit, used) =>
    `${owner} may have ${plural(limit, 'request')} at one time, and had ${count(used)}.`,
}

const CODES: Readonly<Record<string, string>> = {
  model_not_found: 'The gateway has no model of that name.',
  request_too_large: 'The body was larger than the gateway takes.',
  request_timeout: 'The body arrived too slowly.',
  invalid_api_key: 'The key was disabled, had expired, or had got a new secret.',
  budget_unavailable:
    'The account of the key or of its group did not answer, and money is not spent without it. A retry helps.',
  group_deleted: 'The key’s group was deleted. The operator can give the key another group, or none.',
  gateway_busy: 'The gateway was busy with other large requests. A retry helps.',
  client_closed: 'The client had closed the connection.',
}

export function explain(request: RequestRecord): Explanation {
  switch (request.state) {
    case 'refused':
      return { result: 'Refused', mood: 'bad', sentences: refusalOf(request) }
    case 'settled':
      return explainEnd(request)
    case 'under_way':
      return {
        result: 'Under way',
        mood: 'warn',
        sentences: [`It reserves ${usd(request.worstCaseUsd)}, the most that it can cost, until it ends.`],
      }
    case 'pending':
    case 'expired':
      return {
        result: 'Lost',
        mood: 'warn',
        sentences: ['The gateway did not learn how it ended. It was booked at its expected cost.'],
      }
    case 'released':
      return { result: 'Not sent', mood: 'warn', sentences: ['It was refused, and cost nothing.'] }
  }
}

type Refused = Extract<RequestRecord, { state: 'refused' }>
type Settled = Extract<RequestRecord, { state: 'settled' }>

function refusalOf({ limit, code, status }: Refused): string[] {
  const notSent = 'It was not sent to the model, and cost nothing.'
  if (limit === null) {
    const known = code === null ? undefined : CODES[code]
    const why =
      known ?? (status === 400 ? 'A parameter of the request was not valid.' : `The status was ${status}.`)
    return [why, notSent]
  }
  return [limitSentence(limit), notSent]
}

function limitSentence({ name, limit, used, of }: NonNullable<Refused['limit']>): string {
  const owner = of === 'group' ? 'The key’s group' : 'The key'
  const budget = of === 'group' ? 'group’s budget' : 'budget'
  const [limitUsd, usedUsd] = [usd(limit / 1e6), usd(used / 1e6)]
  if (name === 'budget_spent') return `The ${budget} of ${limitUsd} was spent: ${usedUsd} were booked.`
  if (name === 'budget_under_way')
    return `What was left of the ${budget} of ${limitUsd} did not cover the most that this request could cost beside those under way. A lower maximum of output tokens lets more run at one time.`
  return LIMITS[name]?.(owner, limit, used) ?? `The limit ${name} is ${count(limit)}.`
}

function explainEnd({ status, reason, certainty, firstOutputMs, durationMs }: Settled): Explanation {
  const times =
    firstOutputMs === null
      ? `It took ${milliseconds(durationMs)}.`
      : `Its first output came after ${milliseconds(firstOutputMs)}, and its end after ${milliseconds(durationMs)}.`
  const bill =
    certainty === 'exact'
      ? []
      : [
          certainty === 'pending'
            ? 'Its cost is what was expected, until AI Gateway’s log tells the true one.'
            : 'Its cost is an estimate for good: nothing told the true one.',
        ]
  if (reason === null) return { result: 'Answered', mood: 'good', sentences: [times, ...bill] }
  if (reason === 'client_closed')
    return {
      result: 'Left by its client',
      mood: 'warn',
      sentences: ['The client closed the connection.', times, ...bill],
    }
  const began = status === 200 ? 'The stream broke off: ' : ''
  return { result: 'Failed', mood: 'bad', sentences: [`${began}${reason}.`, times, ...bill] }
}
