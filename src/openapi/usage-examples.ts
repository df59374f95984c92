/** Examples of usage. The tests compare them with the schemas. */

const TOTALS = {
  requests: 120,
  failures: 1,
  refused: 4,
  promptTokens: 48_000,
  cachedTokens: 8000,
  completionTokens: 36_000,
  reasoningTokens: 21_000,
  costUsd: 0.2068,
  pending: 1,
  estimated: 0,
  estimatedUsd: 0.0012,
}
const LIMITS_NOW = {
  asOf: '2027-01-31T12:00:00.000Z',
  limits: { requestsPerMinute: 60, budget: { usd: 20, period: 'month' } },
  remaining: { requestsPerMinute: 59, budgetUsd: 19.7932 },
  renewsAt: { requestsPerMinute: '2027-01-31T12:00:59.000Z', budgetUsd: '2027-02-01T00:00:00.000Z' },
}
export const CSV = `date,key_id,key_name,model,tag_team,requests,cost_usd\r
2027-01-31,Abc123Abc123,alice,o3-mini,search,120,0.2068\r
`
const MODELS = [{ model: 'o3-mini', ...TOTALS }]
const TAGS = [{ tags: { team: 'search' }, ...TOTALS }]
const DAY = { date: '2027-01-31', ...TOTALS }

/** `GET /v1/usage`. */
export const HOLDER_EXAMPLES = {
  budget: {
    summary: 'A key with a budget',
    value: holderUsageOf({}),
  },
  group: {
    summary: 'A key in a group with a budget',
    value: holderUsageOf({
      group: {
        name: 'research',
        limits: { budget: { usd: 50, period: 'month' } },
        remaining: { budgetUsd: 31.5 },
        renewsAt: { budgetUsd: '2027-02-01T00:00:00.000Z' },
      },
    }),
  },
}

/** `GET /admin/usage`. */
export const PAGE_EXAMPLES = {
  day: { summary: 'By day', value: pageOf({ by: 'day' }, DAY) },
  key: {
    summary: 'By key',
    value: pageOf({ by: 'key' }, { id: 'Abc123Abc123', name: 'alice', ...TOTALS }),
  },
  group: {
    summary: 'By group',
    value: pageOf({ by: 'group' }, { id: 'grp_Abc123Abc123', name: 'team red', ...TOTALS }),
  },
  tag: { summary: 'By tag', value: pageOf({ by: 'tag', tag: 'team' }, { value: 'search', ...TOTALS }) },
}

/** The usage of a key or a group on one day. */
export function dayOf(id: string) {
  return {
    id,
    from: DAY.date,
    to: DAY.date,
    ...LIMITS_NOW,
    total: TOTALS,
    models: MODELS,
    tags: TAGS,
    days: [{ ...DAY, models: MODELS }],
  }
}

function holderUsageOf(group: object) {
  return {
    ...LIMITS_NOW,
    ...group,
    today: TOTALS,
    month: TOTALS,
    models: MODELS,
    tags: TAGS,
    days: [{ ...DAY, models: MODELS }],
  }
}

function pageOf(grouping: object, row: object) {
  return {
    from: DAY.date,
    to: DAY.date,
    ...grouping,
    usageTags: ['team', 'project'],
    data: [row],
    total: TOTALS,
    nextCursor: null,
  }
}
