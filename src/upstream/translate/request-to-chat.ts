/** A Responses request as a chat completion request. */
import { field } from '../../wire/field.ts'
import { itemsToMessages } from './items-to-messages.ts'
import { type Fields, listOf, present } from './json.ts'
import { sharedParameters } from './parameters.ts'
import { effortFor, formatToChat, LOGPROBS, type Translated } from './request-to-responses.ts'
import { toolChoiceToChat, toolsToChat } from './tools.ts'
import { refuseOthers, Untranslatable } from './untranslatable.ts'

/** What a chat gives without being asked, or what no chat answer has: it has no reasoning that could be encrypted. */
const INCLUDABLE: readonly unknown[] = [LOGPROBS, 'reasoning.encrypted_content']

/**
 * `efforts` are those that the model takes, or `null` where they are not known.
 *
 * @throws Untranslatable
 */
export function requestToChat(responses: Fields, efforts: readonly string[] | null): Translated {
  const {
    input,
    instructions,
    max_output_tokens: tokensMax,
    reasoning,
    text,
    include,
    tools,
    tool_choice: toolChoice,
    stream_options: streamOptions,
    // It counts calls of the vendor's own tools, which are refused.
    max_tool_calls: _hostedCallsMax,
    ...rest
  } = responses
  refuseOthers(streamOptions, ['stream_options'], ['include_obfuscation'])
  refuseOthers(text, ['text'], ['format', 'verbosity'])
  const instructed = { origin: ['instructions'], turn: { role: 'system', content: instructions } }
  const turns = [...(instructions ? [instructed] : []), ...itemsToMessages(input)]
  const effort = effortOf(reasoning)
  const inputs = present({
    ...sharedParameters(rest),
    messages: turns.map(({ turn }) => turn),
    max_completion_tokens: tokensMax,
    reasoning_effort: effort == null ? null : effortFor(effort, efforts, ['reasoning', 'effort']),
    verbosity: field(text, 'verbosity'),
    response_format: formatToChat(field(text, 'format')),
    // Chat completions take a number of likely tokens only beside it.
    logprobs: includesLogprobs(include) || Number(responses['top_logprobs']) > 0 || null,
    tools: tools == null ? null : toolsToChat(tools),
    tool_choice: toolChoiceToChat(toolChoice),
    // The last event of a response has the usage. The schemas of newer models take no other option.
    stream_options: responses['stream'] === true ? { include_usage: true } : null,
  })
  return { inputs, turns }
}

/** The effort. A summary is refused where it must come, since a chat has none. */
function effortOf(reasoning: unknown): unknown {
  const path = ['reasoning']
  refuseOthers(reasoning, path, ['effort', 'summary', 'generate_summary', 'context', 'mode'])
  for (const name of ['summary', 'generate_summary', 'context', 'mode']) {
    // By these words the model gives what it has.
    if (![undefined, null, 'auto', 'standard'].some((value) => value === field(reasoning, name))) {
      throw new Untranslatable([...path, name])
    }
  }
  return field(reasoning, 'effort')
}

function includesLogprobs(include: unknown): boolean {
  const names = listOf(include)
  const unknown = names.findIndex((name) => !INCLUDABLE.includes(name))
  if (unknown >= 0) throw new Untranslatable(['include', unknown])
  return names.includes(LOGPROBS)
}
