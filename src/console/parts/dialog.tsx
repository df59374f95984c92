/** A modal dialog. The browser keeps the focus inside it, and gives it back at the end. */
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

export interface DialogProps {
  title: string
  children: ComponentChildren
  onClose: () => void
  /** Esc does not close it, for contents that are shown once. */
  isSticky?: boolean
}

export function Dialog({ title, children, onClose, isSticky = false }: DialogProps): JSX.Element {
  const titleId = useId()
  const dialog = useRef<HTMLDialogElement>(null)
  const isMounted = useRef(true)
  useEffect(() => {
    const shown = dialog.current
    shown?.showModal()
    return () => {
      // The event of this closing comes late, and must not close the next dialog.
      isMounted.current = false
      shown?.close()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      aria-labelledby={titleId}
      onCancel={(event) => isSticky && event.preventDefault()}
      onClose={() => isMounted.current && onClose()}
    >
      <h2 id={titleId}>{title}</h2>
      {children}
    </dialog>
  )
}
