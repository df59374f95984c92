/** The frame of a page: the name, the ways to other pages, and the notices. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { notice } from '../state/announce.ts'
import { Button } from './button.tsx'

export interface ShellProps {
  links: readonly { href: string; text: string; isCurrent: boolean }[]
  onSignOut: () => void
  children: ComponentChildren
}

export function Shell({ links, onSignOut, children }: ShellProps): JSX.Element {
  return (
    <>
      <a class="skip" href="#main" onClick={skipToMain}>
        Skip to the content
      </a>
      <header class="top">
        <div class="top-inner">
          <p class="brand">
            <img src="/console/icon.svg" alt="" width="24" height="24" />
            <span>o3-mini gateway</span>
          </p>
          {links.length > 0 && (
            <nav aria-label="Pages">
              {links.map(({ href, text, isCurrent }) => (
                <a key={href} href={href} aria-current={isCurrent ? 'page' : undefined}>
                  {text}
                </a>
              ))}
            </nav>
          )}
          <Button kind="quiet" onClick={onSignOut}>
            Sign out
          </Button>
        </div>
      </header>
      <OfflineNote />
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  )
}

/** What an action has done. It stands outside the pages, so that it survives a change of page. */
export function Notices(): JSX.Element {
  return (
    <p class="toast" role="status">
      {notice.value}
    </p>
  )
}

function OfflineNote(): JSX.Element | null {
  const isOnline = useSignal(navigator.onLine)
  useEffect(() => {
    const update = (): void => {
      isOnline.value = navigator.onLine
    }
    addEventListener('online', update)
    addEventListener('offline', update)
    return () => {
      removeEventListener('online', update)
      removeEventListener('offline', update)
    }
  }, [isOnline])
  if (isOnline.value) return null
  return (
    <p class="offline" role="status">
      You are offline. What you see may be old.
    </p>
  )
}

/** The address stays, since its hash names the page. */
function skipToMain(event: Event): void {
  event.preventDefault()
  document.querySelector<HTMLElement>('#main')?.focus()
}
