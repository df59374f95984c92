/** A chat completion request as a Responses request. */
import { field } from '../../wire/field.ts'
import { nearestEffort } from './effort.ts'
import { type Fields, fieldsOf, pick, present } from './json.ts'
import { messagesToItems, type Turn } from './messages-to-items.ts'
import { sharedParameters } from './parameters.ts'
import { toolChoiceToResponses, toolsToResponses } from './tools.ts'
import { refuseOthers, Untranslatable } from './untranslatable.ts'

/** By this word Responses give the log probabilities of a text. */
export const LOGPROBS = 'message.output_text.logprobs'

/** The upstream's inputs, and the turns that they contain. */
export interface Translated {
  inputs: Fields
  turns: readonly Turn[]
}

/**
 * `efforts` are those that the model takes, or `null` where they are not known.
 *
 * @throws Untranslatable
 */
export function requestToResponses(chat: Fields, efforts: readonly string[] | null): Translated {
  const {
    messages,
    max_completion_tokens: tokensMax,
    max_tokens: deprecatedTokensMax,
    reasoning_effort: effort,
    verbosity,
    response_format: format,
    logprobs,
    tools,
    tool_choice: toolChoice,
    stream_options: streamOptions,
    ...rest
  } = chat
  refuseOthers(streamOptions, ['stream_options'], ['include_usage', 'include_obfuscation'])
  const turns = messagesToItems(messages)
  const text = present({ format: formatToResponses(format), verbosity })
  const inputs = present({
    ...sharedParameters(rest),
    input: turns.map(({ turn }) => turn),
    max_output_tokens: tokensMax ?? deprecatedTokensMax,
    reasoning: effort == null ? null : { effort: effortFor(effort, efforts, ['reasoning_effort']) },
    text: Object.keys(text).length === 0 ? null : text,
    include: logprobs === true ? [LOGPROBS] : null,
    tools: tools == null ? null : toolsToResponses(tools),
    tool_choice: toolChoiceToResponses(toolChoice),
    // Responses send the usage unasked.
    stream_options:
      field(streamOptions, 'include_obfuscation') === false ? { include_obfuscation: false } : null,
    // An absent `store` is false in chat completions and true in Responses.
    store: chat['store'] ?? false,
  })
  return { inputs, turns }
}

/** @throws Untranslatable where the model takes no effort at all. */
export function effortFor(
  effort: unknown,
  efforts: readonly string[] | null,
  path: readonly string[],
): string {
  const nearest = nearestEffort(String(effort), efforts)
  if (nearest === undefined) throw new Untranslatable(path)
  return nearest
}

/** A JSON schema is in an object of its own in chat completions, and flat in Responses, which require it. */
function formatToResponses(format: unknown): Fields | null {
  if (format == null) return null
  const type = field(format, 'type')
  if (type !== 'json_schema') {
    refuseOthers(format, ['response_format'], ['type'])
    return { type }
  }
  const described = field(format, 'json_schema')
  refuseOthers(format, ['response_format'], ['type', 'json_schema'])
  refuseOthers(described, ['response_format', 'json_schema'], FORMAT)
  return { type, schema: {}, ...pick(described, FORMAT) }
}

const FORMAT = ['name', 'description', 'schema', 'strict']

/** The format of a text in the words of chat completions. */
export function formatToChat(format: unknown): Fields | null {
  if (format == null) return null
  const { type, ...described } = fieldsOf(format)
  refuseOthers(format, ['text', 'format'], type === 'json_schema' ? ['type', ...FORMAT] : ['type'])
  return type === 'json_schema' ? { type, json_schema: present(described) } : { type }
}
