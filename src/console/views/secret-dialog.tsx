/** The secret of a new or rotated key, shown once, with programs that use it. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { snippetsFor } from '../format/snippets.ts'
import { Button, CodeBlock, CopyButton } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Segments } from '../parts/field.tsx'
import { When } from '../parts/figures.tsx'

export interface NewSecret {
  name: string
  secret: string
  /** Until when the secret before it stays good; absent for a new key. */
  previousValidUntil?: string | null
}

export function SecretDialog({ made, onClose }: { made: NewSecret; onClose: () => void }): JSX.Element {
  const { name, secret, previousValidUntil } = made
  const snippets = snippetsFor(`${location.origin}/v1`, secret)
  const chosen = useSignal('curl')
  const snippet = snippets.find((known) => known.name === chosen.value)
  return (
    <Dialog title={`The secret of ${name}`} onClose={onClose} isSticky>
      <p class="note note-warn">
        Copy it now. The gateway stores only its hash, so nobody can show it again.
        {previousValidUntil === null && ' The old secret has ended.'}
        {typeof previousValidUntil === 'string' && (
          <>
            {' '}
            The old secret stays good until <When at={previousValidUntil} />.
          </>
        )}
      </p>
      <div class="secret">
        <code aria-label="Secret">{secret}</code>
        <CopyButton text={secret} what="secret" />
      </div>
      <h3>Use it</h3>
      <Segments
        label="Program"
        value={chosen}
        choices={snippets.map(({ name: tab }) => [tab, tab] as const)}
      />
      {snippet !== undefined && <CodeBlock text={snippet.text} what={`${snippet.name} example`} />}
      <div class="actions">
        <Button kind="primary" onClick={onClose}>
          I have copied it
        </Button>
      </div>
    </Dialog>
  )
}
