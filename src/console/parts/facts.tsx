/** Facts of a key or a group, each with its name. */
import type { ComponentChildren, JSX } from 'preact'
import { CopyButton } from './button.tsx'
import { When } from './figures.tsx'

export function Facts({ children }: { children: ComponentChildren }): JSX.Element {
  return (
    <section class="card">
      <dl class="facts">{children}</dl>
    </section>
  )
}

export function Fact({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** The id, and the time of the creation. */
export function Origin({ subject }: { subject: { id: string; createdAt: string } }): JSX.Element {
  return (
    <>
      <Fact name="Id">
        <code>{subject.id}</code> <CopyButton text={subject.id} what="id" />
      </Fact>
      <Fact name="Created">
        <When at={subject.createdAt} />
      </Fact>
    </>
  )
}

export function LimitFacts({
  rows,
}: {
  rows: readonly (readonly [name: string, value: string])[]
}): JSX.Element {
  return (
    <>
      {rows.map(([name, value]) => (
        <Fact key={name} name={name}>
          {value}
        </Fact>
      ))}
    </>
  )
}
