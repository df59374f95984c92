/** A parameter without a counterpart in the other format, and the checks that find it. */
import { invalidParameter, type ParameterFailure } from '../../failure.ts'
import { type Path, pathOf } from '../../wire/parameter-text.ts'

/** Thrown within the translator alone. Its border turns it into a failure value. */
export class Untranslatable extends Error {
  constructor(readonly path: Path) {
    super()
  }

  get failure(): ParameterFailure {
    const param = pathOf(this.path)
    const message = `Unsupported parameter: '${param}' is not supported with this model.`
    return invalidParameter(param, message, 'unsupported_parameter')
  }
}

/** Refuses the first field that is not known here and sets something. No field is dropped without a word. */
export function refuseOthers(value: unknown, path: Path, known: readonly string[]): void {
  const fields: [string, unknown][] = Object.entries(Object(value))
  for (const [name, inner] of fields) {
    if (!known.includes(name) && !isNeutral(inner)) throw new Untranslatable([...path, name])
  }
}

/** Whether a value asks for nothing: null, false, zero, and an empty text, array or object. */
export function isNeutral(value: unknown): boolean {
  return !value || (typeof value === 'object' && Object.keys(value).length === 0)
}
