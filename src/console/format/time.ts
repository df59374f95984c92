/** Times in the viewer's zone with UTC beside them, and days, which are UTC. */
const local = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
})
const localClock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const utc = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
})
const utcClock = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  weekday: 'short',
  day: 'numeric',
  month: 'short',
})
const longDay = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
})
const utcDate = new Intl.DateTimeFormat('en-CA', { timeZone: 'UTC' })
const localDate = new Intl.DateTimeFormat('en-CA')

/** `26 Nov 2026, 14:03` in the viewer's zone. */
export function localTime(ms: number): string {
  return local.format(ms)
}

/** `13:03 UTC`, with the date where it is another one than the viewer's. */
export function utcTime(ms: number): string {
  return `${(utcDate.format(ms) === localDate.format(ms) ? utcClock : utc).format(ms)} UTC`
}

/** `14:03` in the viewer's zone. */
export function localClockTime(ms: number): string {
  return localClock.format(ms)
}

/** `Thu, 26 Nov` of a UTC date. */
export function dayName(date: string): string {
  return day.format(Date.parse(date))
}

/** `23 Oct 2026` of a UTC date. */
export function longDayName(date: string): string {
  return longDay.format(Date.parse(date))
}

/** How long until a time, in the largest unit: `in 12 min`. */
export function until(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  if (seconds < 60) return `in ${seconds} s`
  if (seconds < 3600) return `in ${Math.ceil(seconds / 60)} min`
  if (seconds < 2 * 86_400) return `in ${Math.ceil(seconds / 3600)} h`
  return `in ${Math.ceil(seconds / 86_400)} days`
}

/** When a day comes or came: `in 12 days`, `today`, `34 days ago`. Days are UTC. */
export function dayDistance(days: number): string {
  const length = Math.abs(days)
  const text = `${length} day${length === 1 ? '' : 's'}`
  return days === 0 ? 'today' : days > 0 ? `in ${text}` : `${text} ago`
}

/** The value of a `datetime-local` field, in the viewer's zone. */
export function fieldValueOf(iso: string): string {
  const at = new Date(iso)
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
