/** The explanation of a request in words: a short result, and sentences that say why and what to do. Pure. */
import type { RequestRecord } from '../api/answers.ts'
import { count, milliseconds, usd } from './numbers.ts'

export interface Explanation {
  /** Two or three words. */
  result: string
  mood: 'good' | 'warn' | 'bad'
  sentences: string[]
}

const LIMITS: Readonly<Record<string, (limit: string, used: string, whose: string) => string>> = {
  requests: (limit, used, whose) => `${whose} may send ${limit} requests a minute, and had sent ${used}.`,
  tokens: (limit, used, whose) => `${whose} may use ${limit} tokens a minute, and had used ${used}.`,
  tokens_too_large: (limit, used) =>
    `The request alone needs ${used} tokens, but the limit of a minute is ${limit}. Waiting does not help.`,
  requests_per_day: (limit, used, whose) =>
    `${whose} may send ${limit} requests a day (UTC), and had sent ${used}.`,
  concurrent_requests: (limit, used, whose) =>
    `${whose} may have ${limit} requests at one time, and had ${used}.`,
}

const CODES: Readonly<Record<string, string>> = {
  model_not_found: 'The gateway has no model of that name.',
  request_too_large: 'The body was larger than the gateway takes.',
  request_timeout: 'The body arrived too slowly.',
  invalid_api_key: 'The key was disabled, had expired, or had got a new secret.',
  budget_unavailable: 'The key’s account did not answer, and money is not spent without it. A retry helps.',
  group_deleted: 'The key’s group was deleted. Move the key to another group.',
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
  const whose = of === 'group' ? 'The key’s group' : 'The key'
  const [limitUsd, usedUsd] = [usd(limit / 1e6), usd(used / 1e6)]
  if (name === 'budget_spent')
    return `${whose} had a budget of ${limitUsd}, which was spent: ${usedUsd} were booked.`
  if (name === 'budget_under_way')
    return `${whose} has a budget of ${limitUsd}. What was left of it did not cover the most that this request could cost beside those under way. A lower maximum of output tokens lets more run at one time.`
  return LIMITS[name]?.(count(limit), count(used), whose) ?? `The limit ${name} is ${count(limit)}.`
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
