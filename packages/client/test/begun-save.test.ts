import { describe, expect, test } from 'vitest'

import { beginSave, nextSend } from '../src/auto-save/begun-save.ts'
import { emptyContent } from '../src/auto-save/content.ts'
import type { BegunSave } from '../src/auto-save/shadow.ts'

const where = { draftId: 'a draft', device: 'desk', tab: 'a tab' }
const base = { version: 2, content: emptyContent, savedAt: 1 }
const saying = (body: string) => ({ base, content: { ...emptyContent, body } })

describe('what is sent of a save that was begun', () => {
  test('goes under its id at first, and again word for word while nothing was typed', () => {
    const begun = beginSave(where, saying('Dear'))
    const first = nextSend(begun, saying('Dear Ann'))
    expect(first).toEqual({ saveId: begun.saveId, unanswered: [], ...saying('Dear Ann') })
    const unanswered: BegunSave = { ...begun, sent: first }
    expect(nextSend(unanswered, saying('Dear Ann'))).toBe(first)
  })

  test('other words, and the same upon another version, go by themselves and name all that were not answered', () => {
    const begun = beginSave(where, saying('Dear'))
    const first = nextSend(begun, saying('Dear Ann'))
    const second = nextSend({ ...begun, sent: first }, saying('Dear Ann, hello'))
    expect(second).toMatchObject({ unanswered: [first.saveId] })
    const upon = { ...saying('Dear Ann, hello'), base: { ...base, version: 3 } }
    const third = nextSend({ ...begun, sent: second }, upon)
    expect(third).toMatchObject({ unanswered: [first.saveId, second.saveId], base: { version: 3 } })
    expect(new Set([first, second, third].map(({ saveId }) => saveId)).size).toBe(3)
  })

  test('names no more than the daemon takes, the newest ones', () => {
    let begun = beginSave(where, saying('0'))
    for (let typed = 1; typed <= 150; typed += 1) begun = { ...begun, sent: nextSend(begun, saying(`${typed}`)) }
    const before = begun.sent
    const { unanswered } = nextSend(begun, saying('last'))
    expect(unanswered).toHaveLength(100)
    expect(unanswered.at(-1)).toBe(before?.saveId)
  })
})
