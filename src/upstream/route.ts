/** Decides whether a model gets a request as the caller has written it, or in the other format. */
import type { Format, ModelFacts } from '../models/model.ts'
import type { Fields } from './translate/json.ts'
import { chatOverResponses, responsesOverChat, type Translation } from './translate/translation.ts'

type Facts = Pick<ModelFacts, 'formats' | 'toolsInChat'>

/** The translation that this request needs; `null` where the model takes the caller's own format for it. */
export function translationFor(format: Format, inputs: Fields, facts: Facts): Translation | null {
  const { formats } = facts
  if (format === 'responses') return formats.includes('responses') ? null : responsesOverChat
  if (!formats.includes('responses')) return null
  return formats.includes('chat') && isTakenInChat(inputs, facts) ? null : chatOverResponses
}

function isTakenInChat({ tools, reasoning_effort: effort }: Fields, { toolsInChat }: Facts): boolean {
  if (toolsInChat === 'always' || !Array.isArray(tools) || tools.length === 0) return true
  return toolsInChat === 'with_effort_none' && effort === 'none'
}
