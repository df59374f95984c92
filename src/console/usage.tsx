/** The page of a key's holder, who signs in with the key's secret. */
import { render, type JSX } from 'preact'
import { holderUsage } from './api/answers/usage.ts'
import { call } from './api/client.ts'
import { Notices, Shell } from './parts/shell.tsx'
import { SignIn } from './parts/sign-in.tsx'
import { holderSession } from './state/session.ts'
import { HolderPage } from './views/holder.tsx'

function Usage(): JSX.Element {
  const secret = holderSession.credential.value
  if (secret === null) {
    return (
      <SignIn
        session={holderSession}
        title="Usage of your key"
        label="Secret of your key"
        hint="It begins with sk-gw-. It stays in this tab, and is gone when you close it."
        check={(typed) => call(holderUsage, typed, '/v1/usage')}
      >
        Limits, what is left of them, and what your key took. Operators go to{' '}
        <a href="/console">the console</a>.
      </SignIn>
    )
  }
  return (
    <Shell links={[]} onSignOut={holderSession.signOut}>
      <HolderPage secret={secret} />
    </Shell>
  )
}

const app = document.querySelector('#app')
if (app !== null) {
  render(
    <>
      <Usage />
      <Notices />
    </>,
    app,
  )
}
