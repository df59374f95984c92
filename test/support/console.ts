/** Records the gateway's log during a test. */
import { onTestFinished, vi } from 'vitest'

/** Records every line logged until the end of the test, as text. */
export function recordLog(): string[] {
  const lines: string[] = []
  for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    const spy = vi.spyOn(console, level).mockImplementation((...args: unknown[]) => {
      lines.push(args.map(String).join(' '))
    })
    onTestFinished(() => spy.mockRestore())
  }
  return lines
}

/** Returns the lines of one event, parsed. */
export function linesOf(lines: readonly string[], event: 'request' | 'trouble'): Record<string, unknown>[] {
  return lines
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line['event'] === event)
}
