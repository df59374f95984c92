/** Chooses the tool that the answer calls. */

import { refusal, type Refusal, type Tool } from './parsed-request.ts'

/** A choice by name calls that tool, and `none` calls no tool. Any other word calls the first tool. */
export function chooseTool(
  offered: readonly Tool[],
  choice: string | { readonly name: string | undefined },
): Tool | null | Refusal {
  if (choice === 'none') return null
  const name = typeof choice === 'string' ? undefined : choice.name
  if (name === undefined) return offered[0] ?? null
  return (
    offered.find((tool) => tool.name === name) ??
    refusal('tool_choice', `there is no tool '${name}' in 'tools'`)
  )
}

/** A function without parameters takes an empty object. */
export function functionTool(
  kind: 'function' | 'legacy',
  { name, parameters }: { readonly name: string; readonly parameters?: unknown },
): Tool {
  return { kind, name, schema: parameters ?? { type: 'object', properties: {} } }
}
