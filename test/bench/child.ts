/** A child process for work outside the measured process. It answers one question at a time, over IPC. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Child<Question> {
  ask<Answer>(question: Question): Promise<Answer>
  stop(): void
}

/** Starts `file`, a module in this directory that calls `answerParent`. */
export function startChild<Question extends object>(file: string): Child<Question> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child: ChildProcess = fork(path, { serialization: 'advanced' })
  return {
    ask<Answer>(question: Question) {
      return new Promise<Answer>((resolve, reject) => {
        const onExit = (): void => reject(new Error(`${file} has ended`))
        child.once('exit', onExit)
        child.once('message', (answer) => {
          child.off('exit', onExit)
          resolve(answer as Answer)
        })
        child.send(question)
      })
    },
    stop: () => void child.kill(),
  }
}

/** Called in the child. An error ends the child, and rejects the parent's question. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- types the parent's questions
export function answerParent<Question>(answer: (question: Question) => Promise<unknown>): void {
  process.on('message', (question) => {
    answer(question as Question).then(
      (reply) => process.send?.(reply),
      (error: unknown) => {
        process.stderr.write(`${String(error)}\n`)
        process.exit(1)
      },
    )
  })
  process.on('disconnect', () => process.exit(0))
}
