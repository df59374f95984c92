/** Hands a file to the browser to save. */

/** Ms until the browser has surely begun to read the file, so that its memory can be freed. */
const READ_MS = 60_000

export function saveFile(file: Blob, name: string): void {
  const href = URL.createObjectURL(file)
  Object.assign(document.createElement('a'), { href, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(href), READ_MS)
}
