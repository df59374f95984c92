/** The bytes of request bodies that one isolate holds at a time, all keys together. */

/** An isolate has 128 MB, and a body's text, values and copy for the model take a few times its bytes. */
export const BODY_BYTES_HELD_MAX = 32 * 1024 * 1024

export class BodyBudget {
  #heldBytes = 0

  /** Holds so many bytes more, up to `heldBytesMax`. False where they do not fit; nothing is held of them then. */
  hold(bytes: number, heldBytesMax: number = BODY_BYTES_HELD_MAX): boolean {
    if (this.#heldBytes + bytes > heldBytesMax) return false
    this.#heldBytes += bytes
    return true
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes
  }

  get heldBytes(): number {
    return this.#heldBytes
  }
}
