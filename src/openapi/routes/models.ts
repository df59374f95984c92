/** The routes for models. */
import { ANYWHERE, WITH_KEY, WITH_TOKEN } from '../failure-lists.ts'
import type { Operation } from '../operation.ts'

const O3_MINI = {
  id: 'o3-mini',
  object: 'model',
  created: 1_737_146_383,
  owned_by: 'openai',
  shutdown_date: '2026-10-23',
  context_window: 200_000,
  max_output_tokens: 100_000,
  usd_per_million_tokens: { input: 1.1, cached_input: 0.55, cache_write: 1.1, output: 4.4 },
}

export const modelOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v1/models',
    id: 'listModels',
    tag: 'Models',
    summary: 'List the models',
    caller: 'key',
    answer: {
      status: 200,
      description: 'The models, with limits and prices.',
      json: {
        schema: 'ModelList',
        examples: { list: { summary: 'One model', value: { object: 'list', data: [O3_MINI] } } },
      },
    },
    failures: [...WITH_KEY, ...ANYWHERE],
  },
  {
    method: 'get',
    path: '/v1/models/{id}',
    id: 'getModel',
    tag: 'Models',
    summary: 'Show a model',
    caller: 'key',
    parameters: [
      {
        name: 'id',
        in: 'path',
        description: 'The model’s name. A slash in it may be encoded or not.',
        schema: { type: 'string', minLength: 1 },
        example: 'o3-mini',
      },
    ],
    answer: {
      status: 200,
      description: 'The model, with limits and prices.',
      json: { schema: 'Model', examples: { o3Mini: { summary: 'o3-mini', value: O3_MINI } } },
    },
    failures: [...WITH_KEY, 'model_not_found', ...ANYWHERE],
  },
  {
    method: 'get',
    path: '/admin/models',
    id: 'listOperatorModels',
    tag: 'Models',
    summary: 'List what each name stands for, when it ends, and what can replace it',
    caller: 'operator',
    answer: {
      status: 200,
      description: 'The names, and the successors of a model that ends.',
      json: {
        schema: 'OperatorModels',
        examples: {
          o3Mini: {
            summary: 'o3-mini',
            value: {
              data: [
                {
                  id: 'o3-mini',
                  slug: 'openai/o3-mini',
                  configuredAs: 'o3-mini',
                  shutdownDate: '2026-10-23',
                  usdPerMillionTokens: { input: 1.1, cachedInput: 0.55, output: 4.4 },
                },
              ],
              successors: ['openai/gpt-6-luna'],
            },
          },
        },
      },
    },
    failures: [...WITH_TOKEN, ...ANYWHERE],
  },
]
