/** The form that asks for a credential. It is kept only after the gateway has accepted it. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import type { CallError } from '../api/client.ts'
import type { Session } from '../state/session.ts'
import { callErrorOf } from '../state/use-answer.ts'
import { Button } from './button.tsx'
import { TextField } from './field.tsx'
import { Failure } from './states.tsx'

export interface SignInProps {
  session: Session
  title: string
  label: string
  hint: string
  children: ComponentChildren
  /** Rejects where the gateway refuses the credential. */
  check: (credential: string) => Promise<unknown>
}

export function SignIn({ session, title, label, hint, children, check }: SignInProps): JSX.Element {
  const credential = useSignal('')
  const busy = useSignal(false)
  const error = useSignal<CallError | null>(null)
  async function submit(): Promise<void> {
    const text = credential.value.trim()
    if (text === '') return
    busy.value = true
    error.value = null
    try {
      await check(text)
      session.signIn(text)
    } catch (thrown) {
      error.value = callErrorOf(thrown)
    }
    busy.value = false
  }
  return (
    <main class="sign-in">
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <img src="/console/icon.svg" alt="" width="40" height="40" />
        <h1>{title}</h1>
        <p class="muted">{children}</p>
        {session.notice.value !== null && error.value === null && (
          <p class="note note-warn" role="status">
            You are signed out: {session.notice.value}
          </p>
        )}
        <TextField
          label={label}
          type="password"
          value={credential}
          hint={hint}
          autoComplete="off"
          required
          autoFocus
        />
        {error.value !== null && <Failure error={error.value} />}
        <Button kind="primary" type="submit" busy={busy.value}>
          {busy.value ? 'Signing in…' : 'Sign in'}
        </Button>
      </form>
    </main>
  )
}
