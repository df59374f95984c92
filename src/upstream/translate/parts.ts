/** Parts of a message's content, in both formats. */
import { field } from '../../wire/field.ts'
import type { Path } from '../../wire/parameter-text.ts'
import { type Fields, listOf, pick, present } from './json.ts'
import { refuseOthers, Untranslatable } from './untranslatable.ts'

/** The name of a text part in Responses depends on whose text it is. */
export type TextType = 'input_text' | 'output_text'

const BREAKPOINT = 'prompt_cache_breakpoint'
const FILE = ['filename', 'file_data', 'file_id']

/** A chat content as a Responses content: a text, or a list of parts. Null is an empty text. */
export function contentToResponses(content: unknown, path: Path, textType: TextType): unknown {
  if (!Array.isArray(content)) return content ?? ''
  return listOf(content).map((part, at) => partToResponses(part, [...path, at], textType))
}

/** A Responses content as a chat content. `textOnly` refuses any other part. */
export function contentToChat(content: unknown, path: Path, textOnly = false): unknown {
  if (!Array.isArray(content)) return content ?? ''
  return listOf(content).map((part, at) => {
    const translated = partToChat(part, [...path, at])
    if (textOnly && translated['type'] !== 'text') throw new Untranslatable([...path, at, 'type'])
    return translated
  })
}

function partToResponses(part: unknown, path: Path, textType: TextType): Fields {
  const breakpoint = pick(part, [BREAKPOINT])
  switch (field(part, 'type')) {
    case 'text':
      refuseOthers(part, path, ['type', 'text', BREAKPOINT])
      return { type: textType, text: field(part, 'text'), ...breakpoint }
    case 'refusal':
      refuseOthers(part, path, ['type', 'refusal'])
      return { type: 'refusal', refusal: field(part, 'refusal') }
    case 'image_url': {
      const image = field(part, 'image_url')
      refuseOthers(part, path, ['type', 'image_url', BREAKPOINT])
      refuseOthers(image, [...path, 'image_url'], ['url', 'detail'])
      return {
        type: 'input_image',
        image_url: field(image, 'url'),
        ...pick(image, ['detail']),
        ...breakpoint,
      }
    }
    case 'file': {
      const file = field(part, 'file')
      refuseOthers(part, path, ['type', 'file', BREAKPOINT])
      refuseOthers(file, [...path, 'file'], FILE)
      return { type: 'input_file', ...pick(file, FILE), ...breakpoint }
    }
    default:
      throw new Untranslatable([...path, 'type'])
  }
}

function partToChat(part: unknown, path: Path): Fields {
  const breakpoint = pick(part, [BREAKPOINT])
  switch (field(part, 'type')) {
    case 'input_text':
    case 'output_text':
      // An answer's part that comes back says more than its text: where it found it, and how likely it was.
      refuseOthers(part, path, ['type', 'text', BREAKPOINT, 'annotations', 'logprobs'])
      return { type: 'text', text: field(part, 'text'), ...breakpoint }
    case 'refusal':
      refuseOthers(part, path, ['type', 'refusal'])
      return { type: 'refusal', refusal: field(part, 'refusal') }
    case 'input_image':
      refuseOthers(part, path, ['type', 'image_url', 'detail', BREAKPOINT])
      return {
        type: 'image_url',
        image_url: present({ url: field(part, 'image_url'), detail: field(part, 'detail') }),
        ...breakpoint,
      }
    case 'input_file':
      refuseOthers(part, path, ['type', ...FILE, BREAKPOINT])
      return { type: 'file', file: pick(part, FILE), ...breakpoint }
    default:
      throw new Untranslatable([...path, 'type'])
  }
}
