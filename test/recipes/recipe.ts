/** The recipes of `src/console/recipes/README.md`, read from its Markdown, so that what is run is what is shown. */
import { readFileSync } from 'node:fs'

export const RECIPES_PATH = 'src/console/recipes/README.md'
/** What every recipe has in the places of the reader's own address and key. */
export const SHOWN_BASE_URL = 'http://localhost:8787/v1'
export const SHOWN_SECRET = 'sk-gw-LocalOffline-ForThisMachineOnlyNotSecret0xan2N'

export interface Recipe {
  name: string
  language: string
  text: string
  /** As npm (`openai@7.57.0`) and pip (`openai==3.57.0`) take them. */
  packages: readonly string[]
}

/** @throws Error for a section without a recipe, or that does not say what it was tried with. */
export function readRecipes(): Recipe[] {
  const [, ...sections] = readFileSync(RECIPES_PATH, 'utf8').split(/^## /m)
  return sections.map((section) => {
    const name = section.slice(0, section.indexOf('\n'))
    const [, language = '', text] = /^```(\w+)\n(.*?)\n```$/ms.exec(section) ?? []
    const tried = /^Tried with .+ on \d{4}-\d\d-\d\d.*\.$/m.exec(section)?.[0]
    if (text === undefined || tried === undefined) throw new Error(`the recipe "${name}" is not whole`)
    const packages = Array.from(
      tried.matchAll(/`([^`]*[^`@=]@\d[^`]*|[^`]+==[^`]+)`/g),
      ([, spec = '']) => spec,
    )
    return { name, language, text, packages }
  })
}

/** The recipe for another gateway. `gatewayUrl` is without `/v1`. */
export function pointedAt(recipe: Recipe, gatewayUrl: string): Recipe {
  return { ...recipe, text: recipe.text.replaceAll(SHOWN_BASE_URL, `${gatewayUrl}/v1`) }
}
