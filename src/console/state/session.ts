/** A credential for the life of a browser's tab: `sessionStorage` alone has it. */
import { type ReadonlySignal, signal } from '@preact/signals'

export interface Session {
  /** `null` while nobody is signed in. */
  readonly credential: ReadonlySignal<string | null>
  /** Why the last session ended; `null` where the person ended it. */
  readonly notice: ReadonlySignal<string | null>
  signIn: (credential: string) => void
  signOut: () => void
  /** Ends the session because the gateway refused the credential. */
  refuse: (reason: string) => void
}

export const operatorSession = sessionOf('gateway-admin-token')
export const holderSession = sessionOf('gateway-key-secret')

function sessionOf(storageName: string): Session {
  const credential = signal(sessionStorage.getItem(storageName))
  const notice = signal<string | null>(null)
  function end(reason: string | null): void {
    sessionStorage.removeItem(storageName)
    credential.value = null
    notice.value = reason
  }
  return {
    credential,
    notice,
    signIn(text) {
      sessionStorage.setItem(storageName, text)
      credential.value = text
      notice.value = null
    },
    signOut: () => end(null),
    refuse: end,
  }
}
