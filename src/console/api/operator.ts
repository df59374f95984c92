/** The operator's calls, with the admin token of the session. */
import type * as z from 'zod/mini'
import { operatorSession } from '../state/session.ts'
import { health, modelList, testedAlert } from './answers/deployment.ts'
import {
  createdKey,
  deletedGroup,
  deletedKey,
  type Group,
  group,
  groupPage,
  key,
  keyPage,
  type ListedKey,
  rotatedKey,
} from './answers/keys.ts'
import { minuteList, requestAnswer, requestList } from './answers/requests.ts'
import {
  rangeUsage,
  usageByDay,
  usageByGroup,
  usageByKey,
  usageByModel,
  usageByTag,
} from './answers/usage.ts'
import type { GroupChange, GroupDraft, KeyChange, KeyDraft } from './bodies.ts'
import { call, CallError, type CallOptions, open } from './client.ts'

/** Keys or groups in a page of the list. */
export const ROWS_SHOWN = 100
/** Groups that a form and a filter offer. */
export const GROUPS_OFFERED_MAX = 1000
/** The most rows that a page of usage can have. */
const USAGE_ROWS_MAX = 1000

export interface KeyFilter {
  name: string
  state: string
  /** The id of a group; empty for any group and none. */
  group: string
  sort: string
}

export interface GroupFilter {
  name: string
  sort: string
}

export function listKeys({ sort, ...filter }: KeyFilter, cursor: string | null) {
  const query = new URLSearchParams({ limit: `${ROWS_SHOWN}`, sort })
  for (const [name, value] of Object.entries(filter)) if (value !== '') query.set(name, value)
  if (cursor !== null) query.set('cursor', cursor)
  return asOperator(keyPage, `/admin/keys?${query}`)
}

export function createKey(draft: KeyDraft) {
  return asOperator(createdKey, '/admin/keys', { method: 'POST', body: draft })
}

export function readKey(id: string) {
  return asOperator(key, pathOf(id))
}

export function updateKey(id: string, change: KeyChange) {
  return asOperator(key, pathOf(id), { method: 'PATCH', body: change })
}

export function rotateKey(id: string, graceSeconds: number) {
  return asOperator(rotatedKey, `${pathOf(id)}/rotate`, { method: 'POST', body: { graceSeconds } })
}

export function deleteKey(id: string, options: Pick<CallOptions, 'keepalive'> = {}) {
  return asOperator(deletedKey, pathOf(id), { method: 'DELETE', ...options })
}

export function readKeyUsage(id: string, from: string, to: string) {
  return asOperator(rangeUsage, `${pathOf(id)}/usage?from=${from}&to=${to}`)
}

export function listGroups({ name, sort }: GroupFilter, cursor: string | null) {
  const query = new URLSearchParams({ limit: `${ROWS_SHOWN}`, sort })
  if (name !== '') query.set('name', name)
  if (cursor !== null) query.set('cursor', cursor)
  return asOperator(groupPage, `/admin/groups?${query}`)
}

/** The groups to choose from, by name. */
export async function readGroups(): Promise<Group[]> {
  const { data } = await asOperator(groupPage, `/admin/groups?sort=name&limit=${GROUPS_OFFERED_MAX}`)
  return data
}

export function createGroup(draft: GroupDraft) {
  return asOperator(group, '/admin/groups', { method: 'POST', body: draft })
}

export function readGroup(id: string) {
  return asOperator(group, groupPathOf(id))
}

export function updateGroup(id: string, change: GroupChange) {
  return asOperator(group, groupPathOf(id), { method: 'PATCH', body: change })
}

export function deleteGroup(id: string) {
  return asOperator(deletedGroup, groupPathOf(id), { method: 'DELETE' })
}

export function readGroupUsage(id: string, from: string, to: string) {
  return asOperator(rangeUsage, `${groupPathOf(id)}/usage?from=${from}&to=${to}`)
}

/** The last 200 requests of a key, the newest first. */
export function readRequests(id: string) {
  return asOperator(requestList, `${pathOf(id)}/requests`)
}

export function readRequest(requestId: string) {
  return asOperator(requestAnswer, `/admin/requests/${encodeURIComponent(requestId)}`)
}

export function readMinutes(id: string) {
  return asOperator(minuteList, `${pathOf(id)}/minutes`)
}

export function readUsageByDay(from: string, to: string) {
  return asOperator(usageByDay, `/admin/usage?by=day&from=${from}&to=${to}`)
}

/** With `priceAs`, each row also has its cost on that model. */
export function readUsageByModel(from: string, to: string, priceAs: string | null = null) {
  const query = new URLSearchParams({ by: 'model', limit: `${USAGE_ROWS_MAX}`, from, to })
  if (priceAs !== null) query.set('priceAs', priceAs)
  return asOperator(usageByModel, `/admin/usage?${query}`)
}

export function readUsageByKey(from: string, to: string) {
  return asOperator(usageByKey, `/admin/usage?by=key&limit=${USAGE_ROWS_MAX}&from=${from}&to=${to}`)
}

export function readUsageByGroup(from: string, to: string) {
  return asOperator(usageByGroup, `/admin/usage?by=group&limit=${USAGE_ROWS_MAX}&from=${from}&to=${to}`)
}

/** The usage by the values of a tag. */
export function readUsageByTag(tag: string, from: string, to: string) {
  const query = new URLSearchParams({ by: 'tag', tag, limit: `${USAGE_ROWS_MAX}`, from, to })
  return asOperator(usageByTag, `/admin/usage?${query}`)
}

/** The usage by day, key and model, as a file. @throws CallError, also where the file broke off. */
export async function downloadUsage(from: string, to: string): Promise<Blob> {
  const path = `/admin/usage?format=csv&from=${from}&to=${to}`
  // A long range takes longer than any other answer, so the call has no time-out.
  const response = await withToken((token) => open(token, path))
  return response.blob().catch(() => {
    throw new CallError('The download broke off. Try again.', 0)
  })
}

export function readHealth() {
  return asOperator(health, '/admin/health')
}

/** Sends a test alert to the operator's webhook. */
export function testAlert() {
  return asOperator(testedAlert, '/admin/alerts/test', { method: 'POST' })
}

export function readModels() {
  return asOperator(modelList, '/admin/models')
}

/** What the directory knows of a deleted key; `null` where there was none. */
export async function findDeletedKey(id: string): Promise<ListedKey | null> {
  const query = new URLSearchParams({ state: 'deleted', id })
  const { data } = await asOperator(keyPage, `/admin/keys?${query}`)
  return data[0] ?? null
}

function pathOf(id: string): string {
  return `/admin/keys/${encodeURIComponent(id)}`
}

function groupPathOf(id: string): string {
  return `/admin/groups/${encodeURIComponent(id)}`
}

function asOperator<Schema extends z.ZodMiniType>(
  schema: Schema,
  path: string,
  options: CallOptions = {},
): Promise<z.output<Schema>> {
  return withToken((token) => call(schema, token, path, options))
}

/** A token that is refused ends the session, so that the page asks for another one. */
async function withToken<Answer>(ask: (token: string) => Promise<Answer>): Promise<Answer> {
  try {
    return await ask(operatorSession.credential.value ?? '')
  } catch (error) {
    if (error instanceof CallError && error.code === 'invalid_admin_token')
      operatorSession.refuse(error.message)
    throw error
  }
}
