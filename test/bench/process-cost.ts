/** The CPU time and memory of a process, from Linux's /proc. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/**
 * CPU time of all threads, user and system, µs. `schedstat` gives nanoseconds. `stat` gives the same sum in ticks of 10 ms,
 * which is as long as a stream of 200 chunks.
 */
export function cpuMicros(pid: number): number {
  const nanos = readdirSync(`/proc/${pid}/task`)
    .map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]))
    .reduce((sum, threadNanos) => sum + threadNanos, 0)
  return nanos / 1000
}

/** Resident memory, MiB. */
export function residentMiB(pid: number): number {
  const kib = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib) / 1024
}

/** The most memory that was resident since the process started, or since `resetPeak`, MiB. */
export function peakMiB(pid: number): number {
  const kib = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib) / 1024
}

/** The peak starts anew from what is resident now. */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}
