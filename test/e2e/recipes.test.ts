/** The recipes for clients: those that need only the project's packages work, and the console shows the same text. */
import { readFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { snippetsFor } from '../../src/console/format/snippets.ts'
import { pointedAt, readRecipes, SHOWN_BASE_URL, SHOWN_SECRET } from '../recipes/recipe.ts'
import { EXPECTED_ANSWER, runRecipe } from '../recipes/run-recipe.ts'

const recipes = readRecipes()

/** The recipes of the console's tabs. */
const RECIPE_OF_TAB: Readonly<Record<string, string>> = {
  curl: 'curl',
  Python: 'OpenAI SDK for Python',
  Node: 'OpenAI SDK for Node',
  'AI SDK': 'AI SDK',
  Codex: 'Codex CLI',
}

function recipeOf(name: string) {
  const recipe = recipes.find((known) => known.name === name)
  if (recipe === undefined) throw new Error(`there is no recipe "${name}"`)
  return recipe
}

describe('a recipe', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'recipe-'))
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it.each(['curl', 'OpenAI SDK for Node', 'AI SDK'])('for %s gets an answer', async (name) => {
    const output = await runRecipe(pointedAt(recipeOf(name), inject('gatewayUrl')), folder)
    expect(output).toContain(EXPECTED_ANSWER)
  })

  it('names the versions of the project’s own packages', () => {
    const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      devDependencies: Record<string, string>
    }
    const named = recipes.flatMap(({ packages }) => packages)
    for (const name of ['openai', 'ai', '@ai-sdk/openai'])
      expect(named).toContain(`${name}@${devDependencies[name]}`)
  })
})

it.each(snippetsFor(SHOWN_BASE_URL, SHOWN_SECRET))(
  'The console shows the recipe for $name',
  ({ name, text }) => {
    expect(text).toBe(recipeOf(RECIPE_OF_TAB[name] ?? name).text)
  },
)
