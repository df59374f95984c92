/** Names parameters as the caller does, where the upstream names them in its own format. */
import { field } from '../../wire/field.ts'
import { pathOf } from '../../wire/parameter-text.ts'
import { type Fields, listOf } from './json.ts'
import type { Turn } from './messages-to-items.ts'

type Rule = readonly [upstream: RegExp, caller: string]

const CHAT_NAMES: readonly Rule[] = [
  [/^text\.format\.(?!type)/, 'response_format.json_schema.'],
  [/^text\.format/, 'response_format'],
  [/^text\./, ''],
  [/^reasoning(\.effort)?/, 'reasoning_effort'],
  [/^include.*/, 'logprobs'],
]

const RESPONSES_NAMES: readonly Rule[] = [
  [/^response_format\.json_schema/, 'text.format'],
  [/^response_format/, 'text.format'],
  [/^verbosity/, 'text.verbosity'],
  [/^reasoning_effort/, 'reasoning.effort'],
  [/^max_(completion_)?tokens/, 'max_output_tokens'],
  [/^logprobs/, 'include'],
  [/^(tools\[\d+\])\.(function|custom)/, '$1'],
  [/^(tool_choice)\.(function|custom|allowed_tools)/, '$1'],
]

/** The name in a chat request of a parameter of the Responses request made of it. */
export function chatName(param: string, chat: Fields, turns: readonly Turn[]): string {
  if (param.startsWith('max_output_tokens')) {
    return chat['max_completion_tokens'] == null && chat['max_tokens'] != null
      ? 'max_tokens'
      : 'max_completion_tokens'
  }
  const [, at, name] = /^tools\[(\d+)\]\.(?!type)(.+)/.exec(param) ?? []
  if (at !== undefined)
    return `tools[${at}].${String(field(listOf(chat['tools'])[Number(at)], 'type'))}.${name}`
  return turnName(param, 'input', turns) ?? renamed(param, CHAT_NAMES)
}

/** The name in a Responses request of a parameter of the chat request made of it. */
export function responsesName(param: string, turns: readonly Turn[]): string {
  return turnName(param, 'messages', turns) ?? renamed(param, RESPONSES_NAMES)
}

/** The place of a message or an item, with the place within its content. `undefined` for any other parameter. */
function turnName(param: string, list: 'input' | 'messages', turns: readonly Turn[]): string | undefined {
  if (param === list) return list === 'input' ? 'messages' : 'input'
  const [, at, within = ''] = new RegExp(`^${list}\\[(\\d+)\\](.*)`).exec(param) ?? []
  if (at === undefined) return undefined
  const origin = turns[Number(at)]?.origin ?? []
  const name = pathOf(origin) ?? list
  const content = /^\.(?:content|output)(.*)/.exec(within)?.[1]
  // Only a whole turn has a content in the caller's words; a call and the instructions are named as such.
  if (content === undefined || origin.length !== 2) return name
  const isResult = list === 'messages' && turns[Number(at)]?.turn['role'] === 'tool'
  return `${name}.${isResult ? 'output' : 'content'}${content}`
}

function renamed(param: string, rules: readonly Rule[]): string {
  const [upstream, caller] = rules.find(([pattern]) => pattern.test(param)) ?? [param, param]
  return param.replace(upstream, caller)
}
