/** The usage of an answer in the words of either format. */
import { field } from '../../wire/field.ts'
import { type Fields, fieldsOf, pick } from './json.ts'

/** `null` where the answer has none. */
export function usageToChat(usage: unknown): Fields | null {
  if (usage == null) return null
  return {
    prompt_tokens: field(usage, 'input_tokens'),
    completion_tokens: field(usage, 'output_tokens'),
    total_tokens: field(usage, 'total_tokens'),
    prompt_tokens_details: fieldsOf(field(usage, 'input_tokens_details')),
    completion_tokens_details: fieldsOf(field(usage, 'output_tokens_details')),
  }
}

/** `null` where the answer has none. Responses always have the details, and count no audio. */
export function usageToResponses(usage: unknown): Fields | null {
  if (usage == null) return null
  const { prompt_tokens_details: inputDetails, completion_tokens_details: outputDetails } = fieldsOf(usage)
  return {
    input_tokens: field(usage, 'prompt_tokens'),
    input_tokens_details: {
      cached_tokens: 0,
      ...pick(inputDetails, ['cached_tokens', 'cache_write_tokens']),
    },
    output_tokens: field(usage, 'completion_tokens'),
    output_tokens_details: { reasoning_tokens: 0, ...pick(outputDetails, ['reasoning_tokens']) },
    total_tokens: field(usage, 'total_tokens'),
  }
}
