/** The form of a group: from a group to the fields' texts, and from the texts to what the API takes. Pure but for its signals. */
import type { Signal } from '@preact/signals'
import type { Group } from '../api/answers/keys.ts'
import type { GroupChange, GroupDraft } from '../api/bodies.ts'
import { limitChanges, limitFieldsOf, type LimitForm, limitsOf, textSignal } from './limit-form.ts'

export type GroupForm = LimitForm & { name: Signal<string> }

/** The fields of a group; without one those of a new group. */
export function groupFormOf(group: Group | null): GroupForm {
  return { name: textSignal(group?.name), ...limitFieldsOf(group?.limits ?? {}) }
}

/** The body that creates the group. */
export function groupDraftOf(form: GroupForm): GroupDraft {
  return { name: form.name.value.trim(), limits: limitsOf(form) }
}

/** The body that changes the group. It has only the fields that differ, so that parallel changes of others survive. */
export function groupChangeOf(form: GroupForm, group: Group): GroupChange {
  const { name, limits } = groupDraftOf(form)
  const changed = limitChanges(limits, group.limits)
  return {
    ...(name === group.name ? {} : { name }),
    ...(Object.keys(changed).length === 0 ? {} : { limits: changed }),
  }
}
