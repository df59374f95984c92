/** Buttons. The kind says how much a button matters, and whether it takes something away. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { announce } from '../state/announce.ts'

export interface ButtonProps {
  children: ComponentChildren
  onClick?: () => void
  kind?: 'plain' | 'primary' | 'danger' | 'quiet'
  type?: 'button' | 'submit'
  busy?: boolean
  disabled?: boolean
}

export function Button({
  children,
  onClick,
  kind = 'plain',
  type = 'button',
  busy = false,
  disabled = false,
}: ButtonProps): JSX.Element {
  return (
    <button
      type={type}
      class={`button button-${kind}`}
      disabled={busy || disabled}
      aria-busy={busy}
      onClick={onClick}
    >
      {children}
    </button>
  )
}

/** How long the button says that it has copied, ms. */
const COPIED_SHOWN_MS = 2000

/** `what` is the copied thing's name, for screen readers. */
export function CopyButton({ text, what }: { text: string; what: string }): JSX.Element {
  const copied = useSignal(false)
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text)
    } catch {
      announce('The browser does not let this page copy. Select the text and copy it yourself.')
      return
    }
    announce(`Copied the ${what}.`)
    copied.value = true
    setTimeout(() => (copied.value = false), COPIED_SHOWN_MS)
  }
  return (
    <button
      type="button"
      class="button button-small"
      onClick={() => void copy()}
      aria-label={`${copied.value ? 'Copied' : 'Copy'} the ${what}`}
    >
      {copied.value ? 'Copied' : 'Copy'}
    </button>
  )
}

/** A text to copy, such as a command. */
export function CodeBlock({ text, what }: { text: string; what: string }): JSX.Element {
  return (
    <div class="code">
      {/* A region that scrolls must be reachable by keyboard. */}
      <pre tabIndex={0} aria-label={what}>
        <code>{text}</code>
      </pre>
      <CopyButton text={text} what={what} />
    </div>
  )
}
