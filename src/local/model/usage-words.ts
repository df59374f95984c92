/** The words of the two APIs for the fields of a usage, so that one script fits both. */

type Words = Readonly<Record<string, string>>

const PAIRS = [
  ['prompt_tokens', 'input_tokens'],
  ['prompt_tokens_details', 'input_tokens_details'],
  ['completion_tokens', 'output_tokens'],
  ['completion_tokens_details', 'output_tokens_details'],
] as const

/** The words of chat completions for those of Responses, and the other way round. */
export const CHAT_WORDS: Words = Object.fromEntries(PAIRS.map(([chat, responses]) => [responses, chat]))
export const RESPONSES_WORDS: Words = Object.fromEntries(PAIRS)

export function inWords(usage: Record<string, unknown>, words: Words): Record<string, unknown> {
  return Object.fromEntries(Object.entries(usage).map(([name, value]) => [words[name] ?? name, value]))
}
