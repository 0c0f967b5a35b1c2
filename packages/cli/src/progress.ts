/** One line on standard error that is written over while something takes its time. */
export interface ProgressLine extends Disposable {
  show(text: string): void
}

/** What it needs of a stream. */
type Terminal = Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'write'>

/** Some terminals do not say how wide they are. */
const assumedColumns = 80
/** More often, and it would be more drawing than work. */
const shortestPauseMs = 100

/** Where nobody watches, nothing is written: in a pipe, a log or a script. */
export function createProgressLine(
  terminal: Terminal = process.stderr,
  now: () => number = () => performance.now(),
): ProgressLine {
  if (!terminal.isTTY) return { show: () => {}, [Symbol.dispose]: () => {} }
  let shownAt = Number.NEGATIVE_INFINITY
  return {
    show: (text) => {
      if (now() - shownAt < shortestPauseMs) return
      shownAt = now()
      // A line that wraps could not be written over.
      terminal.write(`\r${text.slice(0, (terminal.columns || assumedColumns) - 1)}\u001b[K`)
    },
    [Symbol.dispose]: () => {
      if (shownAt !== Number.NEGATIVE_INFINITY) terminal.write('\r\u001b[K')
    },
  }
}
