/**
 * What costs more than its tokens: service tiers with prices of their own, and tools that the vendor runs for a fee.
 * Source: OpenAI's `ServiceTier` and `Tool`. The vendor keeps adding some, so only what is known to be free passes.
 */
import { field } from '../wire/field.ts'
import { type Path, quoted } from '../wire/parameter-text.ts'

export interface Extra {
  path: Path
  /** A sentence for the caller, which names the extra as the operator would allow it. */
  message: string
}

/** Tiers at the model's usual price. */
const USUAL_TIERS: ReadonlySet<string> = new Set(['auto', 'default'])

/** Tools that the caller runs, or that only group such tools. */
const FREE_TOOLS: ReadonlySet<string> = new Set([
  'function',
  'custom',
  'namespace',
  'local_shell',
  'apply_patch',
])

/** The name of the web search in chat completions, where it is a parameter. */
const WEB_SEARCH = 'web_search'

/** The first extra of a request that is not in `allowed`; `undefined` without one. Tools may also stand in items. */
export function findExtra(request: unknown, allowed: ReadonlySet<string>): Extra | undefined {
  const tier = field(request, 'service_tier')
  if (typeof tier === 'string' && !USUAL_TIERS.has(tier) && !allowed.has(tier)) {
    const reason = 'since its price is not that of the tokens'
    return { path: ['service_tier'], message: refusal(`The service tier ${quoted(tier)}`, reason, tier) }
  }
  if (field(request, 'web_search_options') != null && !allowed.has(WEB_SEARCH)) {
    return { path: ['web_search_options'], message: toolRefusal(WEB_SEARCH) }
  }
  return inTools(request, allowed) ?? inItems(field(request, 'input'), allowed)
}

function inItems(items: unknown, allowed: ReadonlySet<string>): Extra | undefined {
  if (!Array.isArray(items)) return undefined
  for (let index = 0; index < items.length; index += 1) {
    const extra = inTools(items[index], allowed)
    if (extra !== undefined) return { ...extra, path: ['input', index, ...extra.path] }
  }
  return undefined
}

/** Searches the field `tools` of a request, of an item or of a group of tools. */
function inTools(owner: unknown, allowed: ReadonlySet<string>): Extra | undefined {
  const tools: unknown = field(owner, 'tools')
  if (!Array.isArray(tools)) return undefined
  for (let index = 0; index < tools.length; index += 1) {
    const tool: unknown = tools[index]
    const type = field(tool, 'type')
    if (typeof type === 'string' && !FREE_TOOLS.has(type) && !allowed.has(type)) {
      return { path: ['tools', index, 'type'], message: toolRefusal(type) }
    }
    const inner = inTools(tool, allowed)
    if (inner !== undefined) return { ...inner, path: ['tools', index, ...inner.path] }
  }
  return undefined
}

function toolRefusal(type: string): string {
  return refusal(`The tool ${quoted(type)}`, 'since it costs more than tokens', type)
}

function refusal(what: string, reason: string, name: string): string {
  return `${what} is not available here, ${reason}. Leave it out, or ask the operator of this gateway to allow ${quoted(name)}.`
}
