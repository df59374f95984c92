/** The operator's route for monitoring systems. */
import { METRIC_GROUPINGS } from '../../accounts/metric-list.ts'
import { choiceParameter } from '../../admin/query-parameters.ts'
import { ANYWHERE, WITH_TOKEN } from '../failure-lists.ts'
import { type Operation, refusalOfQuery } from '../operation.ts'

const EXAMPLE = `# TYPE gateway_requests counter
# HELP gateway_requests Requests that reached the model.
gateway_requests_total{model="o3-mini"} 120
# EOF
`

export const metricOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/admin/metrics',
    id: 'getMetrics',
    tag: 'Usage',
    summary: 'Show counts of all time to a monitoring system',
    description: 'By model, by key or by group. They are up to a minute old.',
    caller: 'operator',
    parameters: [
      {
        name: 'by',
        in: 'query',
        description: 'What a series is of.',
        schema: { type: 'string', enum: METRIC_GROUPINGS, default: 'model' },
        example: 'key',
      },
    ],
    answer: {
      status: 200,
      description: 'OpenMetrics 1.0.',
      text: { type: 'application/openmetrics-text', example: EXAMPLE },
    },
    refusal: refusalOfQuery(() => choiceParameter('by', 'hour', METRIC_GROUPINGS)),
    failures: [...WITH_TOKEN, 'usage_unavailable', ...ANYWHERE],
  },
]
