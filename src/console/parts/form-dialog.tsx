/** A dialog with a form and one action, whose failure is shown in the dialog. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import type { CallError } from '../api/client.ts'
import { callErrorOf } from '../state/use-answer.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { Failure } from './states.tsx'

export interface FormDialogProps {
  title: string
  action: string
  kind?: 'primary' | 'danger'
  isReady?: boolean
  onClose: () => void
  /** Its rejection is shown in the dialog. */
  act: () => Promise<void>
  /** What the person can do about a failure. */
  remedyOf?: (error: CallError) => ComponentChildren
  children: ComponentChildren
}

export function FormDialog({
  title,
  action,
  kind = 'primary',
  isReady = true,
  onClose,
  act,
  remedyOf,
  children,
}: FormDialogProps): JSX.Element {
  const busy = useSignal(false)
  const error = useSignal<CallError | null>(null)
  async function submit(): Promise<void> {
    if (!isReady) return
    busy.value = true
    error.value = null
    try {
      await act()
    } catch (thrown) {
      error.value = callErrorOf(thrown)
    }
    busy.value = false
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        {children}
        {error.value !== null && <Failure error={error.value}>{remedyOf?.(error.value)}</Failure>}
        <div class="actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind={kind} type="submit" busy={busy.value} disabled={!isReady}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
