/** Tools and the choice among them. A chat tool has its fields in an object named by its type, and a Responses tool has them flat. */
import { field } from '../../wire/field.ts'
import type { Path } from '../../wire/parameter-text.ts'
import { type Fields, fieldsOf, listOf, pick, present } from './json.ts'
import { refuseOthers, Untranslatable } from './untranslatable.ts'

/** The tools that a caller runs, and the fields of their definitions. A vendor's own tools exist in one format alone. */
const DEFINITIONS: ReadonlyMap<string, readonly string[]> = new Map([
  ['function', ['name', 'description', 'parameters', 'strict']],
  ['custom', ['name', 'description', 'format']],
])

/** A function without parameters, in the words of a format that requires them. */
const NO_PARAMETERS = { type: 'object', properties: {} }

export function toolsToResponses(tools: unknown): Fields[] {
  return listOf(tools).map((tool, at) => {
    const path = ['tools', at]
    const { type, known } = kindOf(tool, path)
    const definition = field(tool, type)
    refuseOthers(tool, path, ['type', type])
    refuseOthers(definition, [...path, type], known)
    const fields = { type, ...pick(definition, known) }
    // An absent `strict` is false in chat completions and true in Responses.
    if (type === 'function') return { parameters: NO_PARAMETERS, strict: false, ...fields }
    return withFormat(fields, ({ grammar, ...format }) => ({ ...format, ...fieldsOf(grammar) }))
  })
}

/**
 * A tool without `strict` stays so, and is then not strict. Chat completions refuse a schema that is not fit for strict mode,
 * where Responses adapt it.
 */
export function toolsToChat(tools: unknown): Fields[] {
  return listOf(tools).map((tool, at) => {
    const path = ['tools', at]
    const { type, known } = kindOf(tool, path)
    refuseOthers(tool, path, ['type', ...known])
    const definition = withFormat(pick(tool, known), ({ type: name, ...grammar }) =>
      name === 'grammar' ? { type: name, grammar } : { type: name },
    )
    return { type, [type]: definition }
  })
}

/** A choice is a word, a named tool, or a list of allowed tools. */
export function toolChoiceToResponses(choice: unknown): unknown {
  if (typeof choice !== 'object' || choice === null) return choice
  if (field(choice, 'type') !== 'allowed_tools') return namedToResponses(choice, ['tool_choice'])
  const allowed = field(choice, 'allowed_tools')
  const path = ['tool_choice', 'allowed_tools']
  refuseOthers(choice, ['tool_choice'], ['type', 'allowed_tools'])
  refuseOthers(allowed, path, ['mode', 'tools'])
  const tools = listOf(field(allowed, 'tools')).map((tool, at) =>
    namedToResponses(tool, [...path, 'tools', at]),
  )
  return { type: 'allowed_tools', mode: field(allowed, 'mode'), tools }
}

export function toolChoiceToChat(choice: unknown): unknown {
  if (typeof choice !== 'object' || choice === null) return choice
  if (field(choice, 'type') !== 'allowed_tools') return namedToChat(choice, ['tool_choice'])
  refuseOthers(choice, ['tool_choice'], ['type', 'mode', 'tools'])
  const tools = listOf(field(choice, 'tools')).map((tool, at) =>
    namedToChat(tool, ['tool_choice', 'tools', at]),
  )
  return { type: 'allowed_tools', allowed_tools: { mode: field(choice, 'mode'), tools } }
}

function namedToResponses(tool: unknown, path: Path): Fields {
  const { type } = kindOf(tool, path)
  const named = field(tool, type)
  refuseOthers(tool, path, ['type', type])
  refuseOthers(named, [...path, type], ['name'])
  return { type, name: field(named, 'name') }
}

function namedToChat(tool: unknown, path: Path): Fields {
  const { type } = kindOf(tool, path)
  refuseOthers(tool, path, ['type', 'name'])
  return { type, [type]: { name: field(tool, 'name') } }
}

function kindOf(tool: unknown, path: Path): { type: string; known: readonly string[] } {
  const type = String(field(tool, 'type'))
  const known = DEFINITIONS.get(type)
  if (known === undefined) throw new Untranslatable([...path, 'type'])
  return { type, known }
}

/** The format of a custom tool's input, where the tool has one. */
function withFormat(definition: Fields, translate: (format: Fields) => Fields): Fields {
  const { format } = definition
  return present({ ...definition, format: format && translate(fieldsOf(format)) })
}
