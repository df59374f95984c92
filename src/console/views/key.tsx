/** One key: its state and limits, what is left of them, and its usage by day and model. */
import type { JSX } from 'preact'
import type { Key, ListedKey } from '../api/answers/keys.ts'
import { CallError } from '../api/client.ts'
import { findDeletedKey, readKey, readKeyUsage, readRequests } from '../api/operator.ts'
import { RangeUsageView } from '../parts/range-usage.tsx'
import { StateBadge } from '../parts/state-badge.tsx'
import { Answered, Empty } from '../parts/states.tsx'
import { hrefOf } from '../state/route.ts'
import { useAnswer } from '../state/use-answer.ts'
import { KeyFacts, KeyHead } from './key-head.tsx'
import { RequestTable } from './request-table.tsx'
import { WhatIf } from './what-if.tsx'

type Subject = { kind: 'key'; key: Key } | { kind: 'deleted'; key: ListedKey } | { kind: 'none' }

/** A deleted key is in the directory alone. @throws CallError */
async function readSubject(id: string): Promise<Subject> {
  try {
    return { kind: 'key', key: await readKey(id) }
  } catch (error) {
    if (!(error instanceof CallError) || error.status !== 404) throw error
    const deleted = await findDeletedKey(id)
    return deleted === null ? { kind: 'none' } : { kind: 'deleted', key: deleted }
  }
}

export function KeyPage({ id }: { id: string }): JSX.Element {
  const found = useAnswer(() => readSubject(id), [id])
  return (
    <>
      <p class="back">
        <a href={hrefOf({ page: 'keys' })}>Keys</a>
      </p>
      {found.answer.value.value === null && <h1 tabIndex={-1}>Key</h1>}
      <Answered question={found} lines={2}>
        {(subject) => <SubjectHead subject={subject} id={id} reload={found.reload} />}
      </Answered>
      {found.answer.value.value?.kind !== 'none' && <KeyUsage id={id} />}
      {found.answer.value.value?.kind === 'key' && (
        <WhatIf
          id={id}
          limits={found.answer.value.value.key.limits}
          hasGroup={found.answer.value.value.key.group != null}
        />
      )}
    </>
  )
}

interface SubjectHeadProps {
  subject: Subject
  id: string
  reload: () => void
}

function SubjectHead({ subject, id, reload }: SubjectHeadProps): JSX.Element {
  switch (subject.kind) {
    case 'key':
      return <KeyHead subject={subject.key} reload={reload} />
    case 'deleted':
      return (
        <>
          <div class="title-line">
            <h1 tabIndex={-1}>{subject.key.name}</h1>
            <StateBadge state="deleted" />
          </div>
          <p class="note note-warn">
            This key was deleted and cannot come back. Its usage stays here for 400 days. To give its holder
            access again, make a new key.
          </p>
          <KeyFacts subject={subject.key} />
        </>
      )
    case 'none':
      return (
        <>
          <h1 tabIndex={-1}>No such key</h1>
          <Empty title="No key has this id">
            <p class="muted">
              <code>{id}</code> was never created here, or is not in the directory yet.
            </p>
          </Empty>
        </>
      )
  }
}

/** What is left of the limits, the usage and the last requests. They stay after a key is deleted. */
function KeyUsage({ id }: { id: string }): JSX.Element {
  const requests = useAnswer(() => readRequests(id), [id])
  return (
    <>
      <RangeUsageView
        id={id}
        none="This key has no limits of its own."
        read={readKeyUsage}
        onRefresh={requests.reload}
      />
      <Answered question={requests}>
        {({ data }) => <RequestTable requests={data} isLinked={true} />}
      </Answered>
    </>
  )
}
