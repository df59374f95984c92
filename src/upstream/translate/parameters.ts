/** The names of the parameters that differ between the two formats. All others mean the same in both. */
import { isNeutral, Untranslatable } from './untranslatable.ts'
import type { Fields } from './json.ts'

/** What chat completions say in another way than Responses. */
const CHAT_TRANSLATED = [
  'messages',
  'max_completion_tokens',
  'max_tokens',
  'reasoning_effort',
  'verbosity',
  'response_format',
  'logprobs',
]

/** What only chat completions can say. */
const CHAT_ONLY = [
  'n',
  'stop',
  'seed',
  'frequency_penalty',
  'presence_penalty',
  'logit_bias',
  'functions',
  'function_call',
  'prediction',
  'modalities',
  'audio',
  'web_search_options',
]

/** What Responses say in another way than chat completions. */
const RESPONSES_TRANSLATED = ['input', 'instructions', 'max_output_tokens', 'reasoning', 'text', 'include']

/** What only Responses can say. */
const RESPONSES_ONLY = [
  'previous_response_id',
  'conversation',
  'prompt',
  'background',
  'context_management',
  'truncation',
  'max_tool_calls',
  'access_programs',
  'image',
]

const WITHOUT_COUNTERPART = [CHAT_TRANSLATED, CHAT_ONLY, RESPONSES_TRANSLATED, RESPONSES_ONLY].flat()

/** Values that say no more than an absent parameter does, as texts. */
const DEFAULTS: Readonly<Record<string, string>> = { n: '1', modalities: 'text', truncation: 'disabled' }

/**
 * The parameters that go on as they are. `rest` are those that the translator has not read: the ones that mean the same in
 * both formats, and unknown ones, which the upstream judges as it does on the native path.
 *
 * @throws Untranslatable for a parameter that the other format does not have.
 */
export function sharedParameters(rest: Fields): Fields {
  const shared: Fields = {}
  for (const [name, value] of Object.entries(rest)) {
    if (!WITHOUT_COUNTERPART.includes(name)) shared[name] = value
    else if (!isDefault(name, value)) throw new Untranslatable([name])
  }
  return shared
}

function isDefault(name: string, value: unknown): boolean {
  // A seed of zero is a seed.
  if (name === 'seed') return value == null
  return isNeutral(value) || String(value) === DEFAULTS[name]
}
