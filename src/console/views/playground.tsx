/** Tries a prompt with any key, and shows all that a program would see of the answer. */
import { type Signal, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { CHAT_PATH, type ChatDraft, chatBody } from '../api/chat.ts'
import { curlOf } from '../format/snippets.ts'
import { Button, CodeBlock } from '../parts/button.tsx'
import { Choice, Segments, TextArea, TextField } from '../parts/field.tsx'
import { When } from '../parts/figures.tsx'
import { newRun, startRun } from '../state/chat-run.ts'
import { endLentKey, lentKey, lentSecret } from '../state/lent-key.ts'
import { RunView } from './run-view.tsx'

const EFFORTS = [
  ['', 'Default'],
  ['low', 'Low'],
  ['medium', 'Medium'],
  ['high', 'High'],
] as const

const KEY_SOURCES = [
  ['lent', 'Short-lived key'],
  ['pasted', 'Paste a secret'],
] as const

/** The fields' texts stay while the person looks at other pages. */
const draftMemory: ChatDraft = {
  model: 'o3-mini',
  instructions: '',
  prompt: '',
  effort: '',
  completionTokensMax: '',
}

export function Playground(): JSX.Element {
  const source = useSignal('lent')
  const pasted = useSignal('')
  const fields = useDraft()
  const run = useMemo(newRun, [])
  const stopper = useRef<AbortController | null>(null)
  useEffect(() => () => stopper.current?.abort(), [])
  const isRunning = run.phase.value === 'waiting' || run.phase.value === 'streaming'
  const isReady = fields.prompt.value.trim() !== '' && (source.value === 'lent' || pasted.value.trim() !== '')

  function send(): void {
    if (isRunning || !isReady) return
    stopper.current = new AbortController()
    const secretOf = source.value === 'lent' ? lentSecret : async () => pasted.value.trim()
    void startRun(run, draftOf(fields), secretOf, stopper.current.signal)
  }
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>Playground</h1>
      </div>
      <div class="playground">
        <form
          class="card"
          onSubmit={(event) => {
            event.preventDefault()
            send()
          }}
        >
          <KeySource source={source} pasted={pasted} />
          <PromptFields fields={fields} onSubmit={send} />
          <div class="actions">
            {/* Each has its own element. A shared one would become `Send` during the click on `Stop`, and send again. */}
            {isRunning ? (
              <Button key="stop" onClick={() => stopper.current?.abort()}>
                Stop
              </Button>
            ) : (
              <Button key="send" kind="primary" type="submit" disabled={!isReady}>
                Send
              </Button>
            )}
          </div>
        </form>
        <div class="stack">
          <RunView run={run} />
          <details class="card">
            <summary>The same call as curl</summary>
            <CodeBlock
              text={curlOf(location.origin + CHAT_PATH, chatBody(draftOf(fields)))}
              what="curl command"
            />
          </details>
        </div>
      </div>
    </>
  )
}

type DraftFields = { [Name in keyof ChatDraft]: Signal<string> }

function useDraft(): DraftFields {
  const fields: DraftFields = {
    model: useSignal(draftMemory.model),
    instructions: useSignal(draftMemory.instructions),
    prompt: useSignal(draftMemory.prompt),
    effort: useSignal(draftMemory.effort),
    completionTokensMax: useSignal(draftMemory.completionTokensMax),
  }
  useEffect(() => () => void Object.assign(draftMemory, draftOf(fields)), [])
  return fields
}

function draftOf({ model, instructions, prompt, effort, completionTokensMax }: DraftFields): ChatDraft {
  return {
    model: model.value,
    instructions: instructions.value,
    prompt: prompt.value,
    effort: effort.value,
    completionTokensMax: completionTokensMax.value,
  }
}

function KeySource({ source, pasted }: { source: Signal<string>; pasted: Signal<string> }): JSX.Element {
  const lent = lentKey.value
  return (
    <fieldset>
      <legend>Key</legend>
      <Segments label="Key" value={source} choices={KEY_SOURCES} />
      {source.value === 'pasted' ? (
        <TextField
          label="Secret"
          type="password"
          value={pasted}
          autoComplete="off"
          placeholder="sk-gw-…"
          hint="It stays in this page, and is sent with the prompt only."
        />
      ) : lent === null ? (
        <p class="hint">
          Made at the first prompt: 1 hour, 1 USD, deleted when you sign out or close the page.
        </p>
      ) : (
        <p class="hint lent">
          <span>
            <code>{lent.id}</code>, good until <When at={lent.expiresAt} />
          </span>
          <Button kind="quiet" onClick={() => void endLentKey()}>
            Delete it now
          </Button>
        </p>
      )}
    </fieldset>
  )
}

function PromptFields({ fields, onSubmit }: { fields: DraftFields; onSubmit: () => void }): JSX.Element {
  return (
    <>
      <TextArea
        label="Prompt"
        value={fields.prompt}
        rows={6}
        placeholder="Ask the model something…"
        hint="Ctrl or ⌘ with Enter sends."
        onSubmit={onSubmit}
      />
      <details>
        <summary>Options</summary>
        <TextArea label="Instructions" value={fields.instructions} rows={3} placeholder="None" />
        <div class="field-grid">
          <TextField label="Model" value={fields.model} autoComplete="off" required />
          <Choice label="Reasoning effort" value={fields.effort} choices={EFFORTS} />
          <TextField
            label="Completion tokens at most"
            type="number"
            min={1}
            step={1}
            value={fields.completionTokensMax}
            placeholder="Model’s own"
          />
        </div>
      </details>
    </>
  )
}
