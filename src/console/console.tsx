/** The operator's page. */
import { render, type JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { keyPage } from './api/answers/keys.ts'
import { call } from './api/client.ts'
import { Notices, Shell } from './parts/shell.tsx'
import { SignIn } from './parts/sign-in.tsx'
import { endLentKey } from './state/lent-key.ts'
import { hrefOf, route, type Route } from './state/route.ts'
import { operatorSession } from './state/session.ts'
import { Explain } from './views/explain.tsx'
import { GroupPage } from './views/group.tsx'
import { Groups } from './views/groups.tsx'
import { KeyPage } from './views/key.tsx'
import { Keys } from './views/keys.tsx'
import { OverviewPage } from './views/overview.tsx'
import { Playground } from './views/playground.tsx'

const PAGES = [
  ['overview', 'Overview'],
  ['keys', 'Keys'],
  ['groups', 'Groups'],
  ['explain', 'Explain'],
  ['playground', 'Playground'],
] as const

/** The page of the list that a single one belongs to. */
const SECTIONS: Readonly<Partial<Record<Route['page'], Route['page']>>> = { key: 'keys', group: 'groups' }

function Console(): JSX.Element {
  const current = route.value
  const isFirst = useRef(true)
  useEffect(() => {
    document.title = `${titleOf(current)} · o3-mini gateway`
    // A screen reader reads the heading of the new page. The first page is read from its top.
    if (!isFirst.current) document.querySelector<HTMLElement>('h1')?.focus()
    isFirst.current = false
  }, [current])
  if (operatorSession.credential.value === null) {
    return (
      <SignIn
        session={operatorSession}
        title="Sign in to the console"
        label="Admin token"
        hint="It stays in this tab, and is gone when you close it."
        check={(token) => call(keyPage, token, '/admin/keys?limit=1')}
      >
        For the operator of this gateway. Holders of a key go to <a href="/usage">their usage</a>.
      </SignIn>
    )
  }
  const section = SECTIONS[current.page] ?? current.page
  return (
    <Shell
      links={PAGES.map(([page, text]) => ({
        href: hrefOf(page === 'explain' ? { page, id: '' } : { page }),
        text,
        isCurrent: page === section,
      }))}
      onSignOut={() => {
        // The call takes the token before the session ends, and outlives it.
        void endLentKey({ keepalive: true })
        operatorSession.signOut()
      }}
    >
      <Page current={current} />
    </Shell>
  )
}

function Page({ current }: { current: Route }): JSX.Element {
  switch (current.page) {
    case 'overview':
      return <OverviewPage />
    case 'keys':
      return <Keys key={current.group} inGroup={current.group ?? ''} />
    case 'key':
      return <KeyPage key={current.id} id={current.id} />
    case 'groups':
      return <Groups />
    case 'group':
      return <GroupPage key={current.id} id={current.id} />
    case 'explain':
      return <Explain key={current.id} id={current.id} />
    case 'playground':
      return <Playground />
  }
}

function titleOf({ page }: Route): string {
  if (page === 'key') return 'Key'
  if (page === 'group') return 'Group'
  return PAGES.find(([known]) => known === page)?.[1] ?? 'Console'
}

const app = document.querySelector('#app')
if (app !== null) {
  render(
    <>
      <Console />
      <Notices />
    </>,
    app,
  )
}
