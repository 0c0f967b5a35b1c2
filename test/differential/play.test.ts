// The comparison is worth what it can see: differences that it must report, and such that it must not.
import { expect, test } from 'vitest'
import { deviations } from './play.ts'
import { a, part } from './script.ts'

const script = (step = a('NOOP')) => ({ name: 'one step', steps: [step] })

test('what neither of the two shows is a deviation', () => {
  const found = deviations(script(), [{ status: 'OK' }], [{ status: 'NO' }], [{ status: 'BAD' }])
  expect(found).toEqual([{ step: 'a: NOOP', fact: 'status', ours: 'OK', dovecot: 'NO', cyrus: 'BAD' }])
})

test('a fact that only ours shows, and one that only ours lacks', () => {
  const found = deviations(script(), [{ EXISTS: '1' }], [{ EXPUNGE: '1' }], [{ EXPUNGE: '1' }])
  expect(found.map(({ fact }) => fact)).toEqual(['EXISTS', 'EXPUNGE'])
})

test('where the two disagree, ours may be as either of them, fact by fact', () => {
  const [dovecot, cyrus] = [
    { status: 'OK', EXISTS: '2' },
    { status: 'NO', EXISTS: '3' },
  ]
  expect(deviations(script(), [{ status: 'OK', EXISTS: '3' }], [dovecot], [cyrus])).toEqual([])
})

test('a step that compares some facts leaves the rest alone', () => {
  const found = deviations(
    script(part(/^status/, 'NOOP')),
    [{ EXISTS: '1', status: 'NO' }],
    [{ status: 'OK' }],
    [{ status: 'OK' }],
  )
  expect(found.map(({ fact }) => fact)).toEqual(['status'])
})

test('a refusal may say why where the others do not, but not less than they do', () => {
  const bare = { status: 'NO' }
  const saying = { status: 'NO', code: 'CANNOT' }
  expect(deviations(script(), [saying], [bare], [bare])).toEqual([])
  expect(deviations(script(), [bare], [saying], [saying]).map(({ fact }) => fact)).toEqual(['code'])
})
