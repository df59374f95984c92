/** The operator's route for monitoring systems. */
import type { Context } from 'hono'
import { METRIC_GROUPINGS } from '../accounts/metric-list.ts'
import type { Gateway } from '../context.ts'
import { GatewayError } from '../failure.ts'
import { isolateOf } from '../isolate.ts'
import { metricsText } from './metrics-text.ts'
import { OPEN_METRICS_TYPE } from './open-metrics.ts'
import { choiceParameter } from './query-parameters.ts'

/**
 * `GET /admin/metrics?by`: counts of all time as OpenMetrics text, by `model` (default), `key` or `group`. They are up to a minute old. Each
 * question is one call of the directory.
 *
 * @throws GatewayError `invalid_parameter`, `usage_unavailable`.
 */
export async function showMetrics(c: Context<Gateway>): Promise<Response> {
  const by = choiceParameter('by', c.req.query('by') ?? 'model', METRIC_GROUPINGS)
  const metrics = await isolateOf(c.env).accounts.metrics(by)
  if (metrics.kind === 'unavailable') throw new GatewayError({ kind: 'usage_unavailable' })
  return c.body(metricsText(by, metrics), 200, { 'content-type': OPEN_METRICS_TYPE })
}
