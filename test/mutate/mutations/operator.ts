/** The guards of the operator: limits over quiet isolates, privacy, metrics and groups. */
import { alerts, api, contract, unit, type Mutation } from '../mutation.ts'

export const LOTS: readonly Mutation[] = [
  {
    guard: 'lots: a drawn request stands for the ones that were not drawn',
    file: 'src/limits/sampler.ts',
    text: 'this.#whole(cost.requests / probability)',
    replacement: 'this.#whole(cost.requests)',
    tests: [unit('limits/simulation')],
  },
  {
    guard: 'lots: a quiet isolate draws its requests',
    file: 'src/limits/sync.ts',
    text: 'this.#sampler.draw(cost, limits)',
    replacement: '',
    tests: [unit('limits/limiter-kv')],
  },
  {
    guard: 'lots: a sample counts once',
    file: 'src/limits/sampled-demand.ts',
    text: 'return seen !== undefined && seen.seq >= seq',
    replacement: 'return false',
    tests: [unit('limits/sampled-demand')],
  },
]

export const PRIVACY: readonly Mutation[] = [
  {
    guard: 'privacy: each call asks for a log without texts',
    file: 'src/upstream/call.ts',
    text: '...(call.logTexts ? {} : { extraHeaders: WITHOUT_TEXTS }),',
    replacement: '',
    tests: [contract('gateway-options')],
  },
  {
    guard: 'privacy: a log without texts is the default',
    file: 'src/config.ts',
    text: "logTexts: data.AI_GATEWAY_LOG_TEXTS === 'true'",
    replacement: "logTexts: data.AI_GATEWAY_LOG_TEXTS !== 'false'",
    tests: [contract('gateway-options')],
  },
]

export const METRICS: readonly Mutation[] = [
  {
    guard: 'metrics: a correction lowers no counter',
    file: 'src/accounts/metric-list.ts',
    text: '`${most} = max(${most}, ${sum} + excluded.${sum})`',
    replacement: '`${most} = ${sum} + excluded.${sum}`',
    tests: [api('metrics')],
  },
  {
    guard: 'metrics: a report counts once',
    file: 'src/accounts/metric-list.ts',
    text: 'WHERE old.revision IS NULL OR old.revision < new.revision',
    replacement: 'WHERE true',
    tests: [api('metrics')],
  },
  {
    guard: 'metrics: the series of keys are bounded',
    file: 'src/accounts/metric-list.ts',
    text: '    < ${METRIC_KEYS_MAX})`',
    replacement: '    >= 0)`',
    tests: [api('metrics')],
  },
  {
    guard: 'metrics: a key’s name stays in its label',
    file: 'src/admin/open-metrics.ts',
    text: '="${escaped(value)}"',
    replacement: '="${value}"',
    tests: [unit('admin/metrics-text')],
  },
  {
    guard: 'metrics: times count once for a batch that comes twice',
    file: 'src/accounts/book.ts',
    text: "if (writer !== undefined && number <= parseWhole(writer['number'])) return",
    replacement: '',
    tests: [contract('account-times')],
  },
]

export const GROUPS: readonly Mutation[] = [
  {
    guard: 'groups: no secret opens a group',
    file: 'src/accounts/key-account.ts',
    text: 'if (secretSha256 === null || isGroupId(key.id)) return secretSha256 === null && isGroupId(key.id)',
    replacement: 'if (secretSha256 === null) return isGroupId(key.id)',
    tests: [api('groups-admin')],
  },
  {
    guard: 'groups: nothing but a secret opens a key',
    file: 'src/accounts/key-account.ts',
    text: 'return secretSha256 === null && isGroupId(key.id)',
    replacement: 'return secretSha256 === null',
    tests: [api('groups-admin')],
  },
  {
    guard: 'groups: a group has no copy in KV',
    file: 'src/accounts/publication-sources.ts',
    text: '(isGroupId(id) ? 0 : version)',
    replacement: 'version',
    tests: [api('groups-admin')],
  },
  {
    guard: 'groups: a group is not taken from KV',
    file: 'src/accounts/account-record.ts',
    text: 'if (isAbsentInKv || isGroupId(id))',
    replacement: 'if (isAbsentInKv)',
    tests: [api('groups-admin')],
  },
  {
    guard: 'groups: a sum of keys counts no request twice',
    file: 'src/accounts/objects.ts',
    text: 'return isGroupId(ownerId) ? groupDirectoryOf(env) : directoryOf(env)',
    replacement: 'return directoryOf(env)',
    tests: [api('groups-directory')],
  },
  {
    guard: 'groups: the group of a new key must exist',
    file: 'src/admin/keys.ts',
    text: 'await requireGroup(c, body.group)',
    replacement: '',
    tests: [api('groups-admin')],
  },
  {
    guard: 'groups: the new group of a key must exist',
    file: 'src/admin/keys.ts',
    text: 'await requireGroup(c, patch.group)',
    replacement: '',
    tests: [api('groups-admin')],
  },
  {
    guard: 'groups: a group with keys is not deleted',
    file: 'src/admin/groups.ts',
    text: 'if (count.keys > 0)',
    replacement: 'if (count.keys < 0)',
    tests: [api('groups-admin')],
  },
  {
    guard: 'groups: no object is created for a text that is no id',
    file: 'src/admin/groups.ts',
    text: 'if (!GROUP_ID_FORM.test(id)) throw new GatewayError(notFound(id))',
    replacement: '',
    tests: [api('groups-admin')],
  },
  {
    guard: 'groups: the keys of a group are found without a look at the others',
    file: 'src/accounts/key-list.ts',
    text: 'CREATE INDEX keys_by_group ON keys (group_id, created_at_ms, id) WHERE group_id IS NOT NULL',
    replacement: '',
    tests: [api('groups-directory')],
  },
  {
    guard: 'groups: a rebuild brings groups back',
    file: 'src/admin/rebuild-directory.ts',
    text: 'await republish(c, groupsOf(keys), GROUP_ID_FORM)',
    replacement: 'await republish(c, [], GROUP_ID_FORM)',
    tests: [api('groups-directory')],
  },
  {
    guard: 'groups: the default budget is of keys',
    file: 'src/accounts/account-alerts.ts',
    text: '(isGroupId(key.id) ? undefined : defaultBudgetOf(this.#env))',
    replacement: 'defaultBudgetOf(this.#env)',
    tests: [alerts('groups')],
  },
  {
    guard: 'groups: the default limits are of keys',
    file: 'src/admin/usage.ts',
    text: 'showUsageOf(c, requireGroupId(c), {},',
    replacement: "showUsageOf(c, requireGroupId(c), c.get('config').defaultLimits,",
    tests: [api('groups-directory')],
  },
]
