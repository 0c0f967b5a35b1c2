import { expect, test } from 'vitest'

import { createProgressLine } from '../src/progress.ts'

interface Written {
  readonly text: string[]
  readonly terminal: Parameters<typeof createProgressLine>[0]
}

function terminal(isTTY: boolean): Written {
  const text: string[] = []
  return { text, terminal: { isTTY, columns: 10, write: (piece: unknown) => text.push(String(piece)) > 0 } }
}

test('progress is one line that is written over, no wider than the terminal, and gone at the end', () => {
  const { text, terminal: stream } = terminal(true)
  let at = 0
  const line = createProgressLine(stream, () => at)
  line.show('one')
  line.show('too soon')
  at = 100
  line.show('wider than ten columns')
  line[Symbol.dispose]()
  expect(text).toEqual(['\rone\u001b[K', '\rwider tha\u001b[K', '\r\u001b[K'])
})

test('where nobody watches nothing is written', () => {
  const { text, terminal: stream } = terminal(false)
  using line = createProgressLine(stream)
  line.show('one')
  expect(text).toEqual([])
})
