import { expect, it } from 'vitest'
import { endingOf } from '../../../src/accounts/request-end.ts'
import { UsageMeans } from '../../../src/accounts/usage-means.ts'
import { modelTable } from '../../../src/models/table.ts'

it.each([
  ['nothing where AI Gateway’s cache has answered', 'HIT', 0],
  ['what is expected of any other answer', 'MISS', expect.toSatisfy((costMicroUsd) => costMicroUsd > 0)],
])(
  'an answer without a usage costs %s, also where no log corrects it',
  (_what, cacheStatus, costMicroUsd) => {
    const model = modelTable({}).get('o3-mini')
    if (model === undefined) throw new Error('no model')
    const asked = { bodyBytes: 400, hasContentElsewhere: false, tokenCap: undefined, choices: 1 }
    const end = {
      model,
      usage: null,
      failed: false,
      isCharged: true,
      seenTokens: 10,
      answer: { logId: null, cacheStatus },
      status: 200,
      reason: null,
      firstOutputAtMs: null,
    }
    const request = { keyId: 'cacheHitKey1', asked, logGatewayId: 'default' }
    const { booked, certainty } = endingOf(request, new UsageMeans(), end, {
      admittedAtMs: 0,
      endedAtMs: 1_000,
    })
    expect([booked.costMicroUsd, certainty]).toEqual([costMicroUsd, 'estimated'])
  },
)
