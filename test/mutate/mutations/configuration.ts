/** The guards of configuration: bad vars, and the warnings of vars that do nothing. */
import { api, unit, type Mutation } from '../mutation.ts'

export const CONFIGURATION: readonly Mutation[] = [
  {
    guard: 'configuration: a wrong name is a warning with the nearest right one',
    file: 'src/config-warnings.ts',
    text: '...misnamedVars(Object.keys(env)), ',
    replacement: '',
    tests: [api('configuration')],
  },
  {
    guard: 'configuration: a var without effect is a warning',
    file: 'src/config-warnings.ts',
    text: ', ...varsWithoutEffect(env, config)',
    replacement: '',
    tests: [api('configuration')],
  },
  {
    guard: 'configuration: a gateway without an admin token says what to run',
    file: 'src/admin/authenticate.ts',
    text: "warnOnce(isolateOf(c.env).warned, 'admin_off', 'admin_off', () => ADMIN_OFF_WARNING)",
    replacement: '',
    tests: [api('configuration')],
  },
  {
    guard: 'configuration: aliases follow o3-mini',
    file: 'src/models/table.ts',
    text: 'for (const id of [O3_MINI, ...O3_MINI_ALIASES]) table.set(id, { ...o3Mini, id })',
    replacement: `table.set(O3_MINI, o3Mini)
  for (const id of O3_MINI_ALIASES) table.set(id, modelOf(id, 'openai/o3-mini'))`,
    tests: [unit('models/table'), api('models')],
  },
  {
    guard: 'configuration: the operator’s other names are no warning',
    file: 'src/config-warnings.ts',
    text: ' || distance(upper, nearest) <= TYPO_LETTERS_MAX',
    replacement: ' || nearest.length > 0',
    tests: [api('configuration')],
    name: 'other names',
  },
  {
    guard: 'configuration: a name with a typo in its beginning is a warning',
    file: 'src/config-warnings.ts',
    text: ' || distance(upper, nearest) <= TYPO_LETTERS_MAX',
    replacement: '',
    tests: [api('configuration')],
    name: 'one warning with the nearest name',
  },
  {
    guard: 'configuration: a var that is not set is no warning',
    file: 'src/config-warnings.ts',
    text: 'isUseless && env[name] !== undefined',
    replacement: 'isUseless',
    tests: [api('configuration')],
  },
  {
    guard: 'configuration: a bad var is refused',
    file: 'src/vars.ts',
    text: 'if (vars[name] === undefined || schemaOf().safeParse(vars[name]).success) continue',
    replacement: 'continue',
    tests: [api('errors')],
    name: 'in a var',
  },
  {
    guard: 'configuration: a bad VENDOR_STORAGE is refused',
    file: 'src/vars.ts',
    text: "z.enum(['never', 'allow'])",
    replacement: 'z.string()',
    tests: [api('configuration')],
    name: 'makes no sense',
  },
  {
    guard: 'configuration: a list of extras has a form',
    file: 'src/vars.ts',
    text: 'EXTRAS_FORM.test(list)',
    replacement: 'true',
    tests: [api('extras')],
    name: 'is a var that is checked',
  },
  {
    guard: 'configuration: a number out of its range is refused',
    file: 'src/vars.ts',
    text: 'if (number >= minimum && number <= maximum) return',
    replacement: 'if (!Number.isNaN(number)) return',
    tests: [api('configuration')],
    name: 'not in its range or form',
  },
  {
    guard: 'configuration: a number that is more than digits is refused',
    file: 'src/vars.ts',
    text: 'form.test(String(value)) ? Number(value) : NaN',
    replacement: 'Number(value)',
    tests: [api('configuration')],
    name: 'not in its range or form',
  },
  {
    guard: 'configuration: a var that is no JSON is refused by its name',
    file: 'src/vars.ts',
    text: `  try {
    return typeof value === 'string' ? JSON.parse(value) : value
  } catch {
    return value
  }`,
    replacement: "  return typeof value === 'string' ? JSON.parse(value) : value",
    tests: [api('errors')],
    name: 'in a var',
  },
  {
    guard: 'configuration: the names of AI Gateway’s metadata are no tags',
    file: 'src/vars.ts',
    text: '(?!(key_id|key_name|request_id)([\\s,]|$))',
    replacement: '',
    tests: [api('tags')],
    name: 'is a bad var',
  },
]
