/** Rows under headings, as wide as they need. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(headings), line(widths.map((width) => '─'.repeat(width))), ...rows.map(line)].join('\n')
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** What comes from a mail or a server must not steer the terminal. */
export function oneLine(text: string, longest = 60): string {
  const clean = text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').trim()
  return clean.length > longest ? `${clean.slice(0, longest - 1)}…` : clean
}

/** `5.0 MB`; decimal units. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} KB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}

/** `1.2 MB of 5.0 MB (24 %)`; null: nobody knows of how much. */
export function bytesOfText(doneBytes: number, totalBytes: number | null): string {
  if (totalBytes === null || totalBytes === 0) return bytesText(doneBytes)
  return `${bytesText(doneBytes)} of ${bytesText(totalBytes)} (${Math.floor((100 * doneBytes) / totalBytes)} %)`
}
