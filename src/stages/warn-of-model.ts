/** What the log tells the operator of a model: its end, its absence, and an answer of another model. */
import type { Context } from 'hono'
import type { Gateway } from '../context.ts'
import { isolateOf } from '../isolate.ts'
import { warnOnce } from '../log.ts'
import { dueWarning, moveExample } from '../models/retirement.ts'
import { isServedAs, modelIn } from '../models/served-model.ts'
import type { Relay } from '../streams/relay.ts'
import type { Diagnosis } from '../upstream/failures.ts'
import { raiseAlert } from './raise-alert.ts'

/** Warns once for each of `WARNING_DAYS`, and once after the end. A model that has ended is still called: the vendor decides. */
export function warnOfEnd(c: Context<Gateway>): void {
  const model = c.get('model')
  const due = dueWarning(model.shutdownDate, Date.now())
  if (due === null || model.shutdownDate === null) return
  const { slug, shutdownDate } = model
  const id = `model_ends:${slug}:${shutdownDate}:${due}`
  raiseAlert(c, id, { type: 'model_ends', model: slug, shutdownDate, withinDays: due })
  warnOnce(isolateOf(c.env).warned, `${model.slug} ends ${due}`, 'model_retirement', () => {
    const when = due === 0 ? `${model.shutdownDate}, which has come` : `${model.shutdownDate}`
    return `${model.slug}: the vendor has announced its end for ${when}. The var MODELS can point its name elsewhere. ${moveExample(model)}`
  })
}

/** Warns once of an answer that names another model than the slug. The price stays that of the slug. */
export function warnOfOtherModel(c: Context<Gateway>, served: unknown): void {
  const { slug } = c.get('target').model
  if (typeof served !== 'string' || isServedAs(slug, served)) return
  warnOnce(
    isolateOf(c.env).warned,
    `${slug} served`,
    'model_replaced',
    () =>
      `${slug}: the upstream answers as ${served.slice(0, 100)}. Compare the prices: answers are billed as ${slug}.`,
  )
}

/** The API of a relay, which also compares the first model that the events before the output name. */
export function watchModel(c: Context<Gateway>, api: Relay['api']): Relay['api'] {
  let isCompared = false
  return {
    errorEvent: api.errorEvent,
    isOutput(data) {
      const served = isCompared ? null : modelIn(data)
      if (served !== null) {
        isCompared = true
        warnOfOtherModel(c, served)
      }
      return api.isOutput(data)
    },
  }
}

/** Puts an alert into the request's log line. Where the model is gone, it says what to set. */
export function addAlert(c: Context<Gateway>, { alert, isModelGone }: Diagnosis): void {
  if (alert === undefined) return
  c.get('log').alert = isModelGone === true ? `${alert} ${moveExample(c.get('model'))}` : alert
}
