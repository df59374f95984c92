/** Compares the model that an answer names with the slug that was asked. */

/** What a vendor adds to a model's name: the date of a snapshot or its number, or that it is the latest one. */
const SNAPSHOT = /^-(\d{4}-\d\d-\d\d|\d{3,8}|latest)$/

/** Whether an answer of this model is an answer of the slug: the same name, or a snapshot of it. */
export function isServedAs(slug: string, served: string): boolean {
  const name = slug.slice(slug.lastIndexOf('/') + 1)
  if (served === slug || served === name) return true
  return served.startsWith(name) && SNAPSHOT.test(served.slice(name.length))
}

/**
 * The model that the data of an event name, or their beginning; `null` where they name none. The data are not parsed: in JSON
 * each quote within a text has a backslash before it, so no text contains these words.
 */
export function modelIn(data: string): string | null {
  return /"model"\s*:\s*"([^"\\]*)"/.exec(data)?.[1] ?? null
}
