/** Every answer that the app gives in a test must be as the API's description says. */
import { afterEach } from 'vitest'
import { app } from '../../src/app.ts'
import { problemsOf } from './described-answers.ts'

let problems: string[] = []

/** Compares an answer with the description. The test fails at its end where they differ. */
export async function checkAnswer(request: Request, answer: Response): Promise<Response> {
  problems.push(...(await problemsOf(request.method, request.url, answer)))
  return answer
}

/** Compares each answer that a test gets from the app itself, and not through the Worker's entry. */
export function checkAnswersOfApp(): void {
  const { fetch } = app
  app.fetch = async (request, ...rest) => checkAnswer(request, await fetch(request, ...rest))
}

/** Fails a test with an answer that is not as it is described. */
export function failUndescribed(): void {
  afterEach(() => {
    const found = new Set(problems)
    problems = []
    if (found.size > 0) throw new Error(`not as the API's description says:\n${[...found].join('\n')}`)
  })
}
