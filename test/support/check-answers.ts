/** Every answer that the app gives in a test must be as the API's description says. */
import { afterEach } from 'vitest'
import type { app as gateway } from '../../src/app.ts'
import { problemsOf } from './described-answers.ts'

/**
 * Compares each answer of the app from now on, and fails the test in which one differs. The entry of the Worker takes over
 * `app.fetch` when it is first imported, so this must come before.
 */
export function checkAnswers(app: typeof gateway): void {
  let problems: string[] = []
  const { fetch } = app
  app.fetch = async (request, ...rest) => {
    const answer = await fetch(request, ...rest)
    problems.push(...(await problemsOf(request.method, request.url, answer)))
    return answer
  }
  afterEach(() => {
    const found = new Set(problems)
    problems = []
    if (found.size > 0) throw new Error(`not as the API's description says:\n${[...found].join('\n')}`)
  })
}
