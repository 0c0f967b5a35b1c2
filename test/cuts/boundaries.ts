/**
 * Places in one direction of an IMAP conversation where losing the line could mean something else than a byte earlier or
 * later (RFC 3501 §4.3, §7.5): after each line and each announcement of a literal, and after the first byte, the half, all
 * but one and all of a literal. Fed with what passes, from the beginning of a line on.
 */
export class Boundaries {
  #seen = 0
  /** The last octets of the line so far: enough for `{4294967295+}` and CRLF. */
  #line = ''
  #literal: { readonly end: number; readonly marks: readonly number[] } | null = null

  /** How many bytes were fed. */
  get bytes(): number {
    return this.#seen
  }

  /** Those within `data`, as counts of its bytes, ascending. */
  feed(data: Uint8Array): readonly number[] {
    const start = this.#seen
    const end = start + data.length
    const found: number[] = []
    while (this.#seen < end) {
      const literal = this.#literal
      if (literal === null) {
        this.#readByte(data[this.#seen - start] as number)
        if (this.#line === '') found.push(this.#seen)
        continue
      }
      const upTo = Math.min(end, literal.end)
      found.push(...literal.marks.filter((mark) => mark > this.#seen && mark <= upTo))
      this.#seen = upTo
      if (upTo === literal.end) this.#literal = null
    }
    return found.map((place) => place - start)
  }

  #readByte(byte: number): void {
    this.#seen += 1
    this.#line = (this.#line + String.fromCharCode(byte)).slice(-16)
    if (!this.#line.endsWith('\r\n')) return
    const announced = /\{(\d+)\+?\}\r\n$/.exec(this.#line)
    this.#line = ''
    const size = Number(announced?.[1] ?? 0)
    if (size === 0) return
    const start = this.#seen
    const marks = [...new Set([1, Math.floor(size / 2), size - 1, size])]
      .filter((at) => at > 0)
      .toSorted((a, b) => a - b)
    this.#literal = { end: start + size, marks: marks.map((at) => start + at) }
  }
}
