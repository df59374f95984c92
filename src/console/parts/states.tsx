/** The states of a page that has nothing to show: it loads, it failed, it is empty. */
import type { ComponentChildren, JSX } from 'preact'
import type { CallError } from '../api/client.ts'
import type { Question } from '../state/use-answer.ts'
import { Button } from './button.tsx'

export interface FailureProps {
  error: CallError
  onRetry?: () => void
  /** What the person can do about it. */
  children?: ComponentChildren
}

export function Failure({ error, onRetry, children }: FailureProps): JSX.Element {
  return (
    <div class="note note-bad" role="alert">
      <p>{error.message}</p>
      {error.requestId !== null && (
        <p class="small">
          Request <code>{error.requestId}</code>
        </p>
      )}
      {children}
      {onRetry !== undefined && <Button onClick={onRetry}>Try again</Button>}
    </div>
  )
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  )
}

/** Grey lines in the place of what is loading. */
export function Skeleton({ lines = 4 }: { lines?: number }): JSX.Element {
  return (
    <div class="skeleton" role="status">
      <span class="sr-only">Loading…</span>
      {Array.from({ length: lines }, (_, at) => (
        <span key={at} class="skeleton-line" />
      ))}
    </div>
  )
}

export interface AnsweredProps<Value> {
  question: Question<Value>
  lines?: number
  children: (value: Value) => ComponentChildren
}

/** Shows an answer. While it is asked for again, and after a failure, the last one stays. */
export function Answered<Value>({ question, lines, children }: AnsweredProps<Value>): JSX.Element {
  const answer = question.answer.value
  return (
    <>
      {answer.state === 'failed' && <Failure error={answer.error} onRetry={question.reload} />}
      {answer.value !== null && <div aria-busy={answer.state === 'loading'}>{children(answer.value)}</div>}
      {answer.value === null && answer.state === 'loading' && <Skeleton {...(lines ? { lines } : {})} />}
    </>
  )
}
