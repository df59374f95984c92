/** What tests of groups ask of the operator's routes. */
import { expect } from 'vitest'
import type { GroupView } from '../../src/keys/group.ts'
import { ADMIN_TOKEN, errorOf, send } from './gateway.ts'

/** An answer to the operator: its status, and its JSON. */
export async function ask(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; answer: Answer }> {
  const response = await send(method, path, ADMIN_TOKEN, body)
  expect(response.headers.get('cache-control')).toBe('no-store')
  return { status: response.status, answer: await response.json() }
}

/** The fields that a test reads. `expect` reads the others. */
export interface Answer {
  id: string
  group?: string
  data: { name: string }[]
  nextCursor: string | null
}

export async function createGroup(body: object = {}): Promise<GroupView> {
  const response = await send('POST', '/admin/groups', ADMIN_TOKEN, { name: 'team', ...body })
  expect(response.status).toBe(201)
  return response.json()
}

/** The status of an answer, and the code and the parameter of its error. */
export async function refusal(method: string, path: string, body?: unknown): Promise<unknown[]> {
  const response = await send(method, path, ADMIN_TOKEN, body)
  const { code, param } = await errorOf(response)
  return [response.status, code, param]
}

export async function namesAt(path: string): Promise<string[]> {
  const { answer } = await ask('GET', path)
  return answer.data.map(({ name }) => name)
}

/** The text of an answer, of whatever type it is. */
export async function textAt(path: string): Promise<string> {
  const response = await send('GET', path, ADMIN_TOKEN)
  expect(response.status).toBe(200)
  // The runtime warns of `text()` where the type is no text's.
  return new TextDecoder().decode(await response.arrayBuffer())
}
