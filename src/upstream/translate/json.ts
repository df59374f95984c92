/** Values of unknown shape, which requests, answers and events hold. They are read without a schema. */
import { field } from '../../wire/field.ts'

export type Fields = Record<string, unknown>

/** The elements of an array; none of any other value. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** A text; empty for any other value. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** The fields of an object. */
export function fieldsOf(value: unknown): Fields {
  return { ...Object(value) }
}

/** The fields without those that are null or undefined: both APIs take null for absent. */
export function present(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null))
}

/** The named fields of any value that are there. */
export function pick(value: unknown, names: readonly string[]): Fields {
  return present(Object.fromEntries(names.map((name) => [name, field(value, name)])))
}
