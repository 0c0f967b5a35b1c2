import { ProblemError } from '../errors.ts'
import { createIdempotencyKey, waitOf } from '../idempotency.ts'
import { delayAfter } from '../pause.ts'
import type { Attachment } from '../resources.ts'
import { differingFields, emptyContent, type EditorContent, isSameContent } from './content.ts'
import { openDraftDoor, type SaveAnswer } from './draft-door.ts'
import type { Editor, SaveConflict, SaveStatus } from './editor.ts'
import { isAhead, isPassing } from './failures.ts'
import { createFileQueue, type FileInput } from './file-queue.ts'
import { judgeFoundSave } from './found-saves.ts'
import { type AutoSaveOptions, checkedOptions } from './options.ts'
import { carries, rebase } from './rebase.ts'
import { createShadowKeeper } from './shadow-keeper.ts'
import type { Acknowledged, BegunSave } from './shadow.ts'
import { joinTabs } from './tabs.ts'

/** It saves until it is closed. */
export interface AutoSave extends AsyncDisposable {
  readonly status: SaveStatus
  /** Saves now. @returns how it ended: `saved`, unless there is a reason why not */
  flush(): Promise<SaveStatus>
  /** Ends a conflict: what stands in the editor counts, also where the user has merged it by hand, or what is stored. */
  resolve(whose: 'mine' | 'theirs'): Promise<SaveStatus>
  /**
   * Attaches a file, which is kept in this browser until the daemon has it: should the page go before, the next one that opens
   * the draft sends it. @throws {ProblemError} it is refused
   */
  attach(file: FileInput): Promise<Attachment>
  /** Saves what there is, and stops. What could not be saved stays in the shadow, and is taken up the next time. */
  close(): Promise<void>
}

type Phase =
  | { readonly kind: 'ready' }
  | { readonly kind: 'offline' }
  | { readonly kind: 'conflict'; readonly conflict: SaveConflict; readonly conflictId: string | null }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }

const firstRetryMs = 1_000
/** Words are in the shadow so soon after they were typed. */
const shadowMs = 200

/**
 * Saves what is written in an editor by itself: into the browser at once, and to the daemon at each pause, and while somebody
 * types steadily all the same. Loads the draft into the editor first, and offers what an earlier page could not save.
 *
 * Needs Web Locks and BroadcastChannel: a page of https or of localhost.
 * @throws {RangeError} for an interval out of its range
 * @throws {ProblemError} where the draft cannot be had: it is not the caller's
 */
export async function autoSave(editor: Editor, options: AutoSaveOptions): Promise<AutoSave> {
  const { client, accountId, draftId, tenantId, userId, deviceId: device, ...rhythm } = checkedOptions(options)
  const door = openDraftDoor({ client, accountId, draftId, deviceId: device })

  let base: Acknowledged = { version: 0, content: emptyContent, savedAt: 0 }
  /** False: nobody has said yet whether there is such a draft. */
  let isBaseKnown = false
  /** What is written and not acknowledged; null: nothing. */
  let begun: BegunSave | null = null
  let firstChangeAt: number | null = null
  let phase: Phase = { kind: 'ready' }
  let saving: Promise<void> | null = null
  let heardMeanwhile: Acknowledged | null = null
  let failures = 0
  let saveTimer: ReturnType<typeof setTimeout> | undefined
  let keepTimer: ReturnType<typeof setTimeout> | undefined
  let lastReport = ''
  let isClosed = false

  const shadow = await createShadowKeeper({ tenantId, userId, accountId }, report)
  const tabs = await joinTabs({ tenantId, draftId, onSaved: hear })
  try {
    await load()
  } catch (error) {
    tabs.close()
    await shadow.close()
    throw error
  }
  const files = createFileQueue({
    client,
    accountId,
    draftId,
    waiting: await shadow.read(async (kept) => await kept.attachments(draftId)),
    inShadow: async (work) => await shadow.write(work),
  })
  const stopListening = editor.listen(changed)
  window.addEventListener('pagehide', leave)
  document.addEventListener('visibilitychange', hide)
  window.addEventListener('online', wake)
  // What was recovered goes on from here, and so does what the editor shows of a draft that nobody has stored yet.
  if (begun !== null) void keepNow()
  if (begun !== null && isReady()) void saveNow()
  changed()
  report()

  // What was there before.

  async function load(): Promise<void> {
    const stored = await loadStored()
    if (stored !== null) show(stored)
    for (const found of await shadow.read(async (kept) => await kept.begun(draftId))) {
      if (!(await tabs.isGone(found.tab))) continue
      const judged = judgeFoundSave(found, stored)
      if (judged.kind === 'settled') {
        await shadow.write(async (kept) => await kept.drop(found))
        continue
      }
      const choice = judged.kind === 'resumed' ? 'restore' : await editor.offerRecovery(judged.recovery)
      if (choice === 'discard') await shadow.write(async (kept) => await kept.drop(found))
      if (choice !== 'restore') continue
      base = found.base
      begun = { ...found, tab: tabs.id, leftAt: null, unanswered: [...found.unanswered, found.saveId] }
      firstChangeAt = Date.now()
      editor.show(found.content)
      return
    }
    if (stored !== null) await shadow.write(async (kept) => await kept.remember({ ...stored, draftId, device }))
  }

  /** From the daemon; where nobody answers, what this browser knows. Null: there is no such draft yet. */
  async function loadStored(): Promise<Acknowledged | null> {
    try {
      const stored = await door.load()
      isBaseKnown = true
      return stored
    } catch (error) {
      if (!isPassing(error)) throw error
      fail(error)
      const [known = null] = await shadow.read(async (kept) => await kept.acknowledged(draftId))
      isBaseKnown = known !== null
      return known
    }
  }

  // The shadow.

  async function keepNow(): Promise<void> {
    clearTimeout(keepTimer)
    keepTimer = undefined
    await shadow.write(async (kept) => {
      if (begun === null) return
      begun = { ...begun, content: editor.read() }
      await kept.keep(begun)
    })
  }

  // The rhythm.

  function changed(): void {
    if (isClosed) return
    if (begun === null) {
      // What `show` shows is no change.
      if (isSameContent(editor.read(), base.content)) return
      begun = beginSave()
      firstChangeAt = begun.changedAt
      void door.begin(begun).catch(() => {})
    }
    begun = { ...begun, changedAt: Date.now() }
    keepTimer ??= setTimeout(() => void keepNow(), shadowMs)
    if (phase.kind === 'refused') phase = { kind: 'ready' }
    // While nobody answers, the next try has its time already.
    if (phase.kind === 'ready') schedule()
    report()
  }

  function beginSave(): BegunSave {
    const saveId = createIdempotencyKey()
    const content = editor.read()
    return {
      saveId,
      draftId,
      device,
      tab: tabs.id,
      changedAt: Date.now(),
      leftAt: null,
      base,
      content,
      unanswered: [],
      sent: null,
    }
  }

  function schedule(): void {
    const now = Date.now()
    saveIn(Math.max(0, Math.min(rhythm.interval, (firstChangeAt ?? now) + rhythm.longestInterval - now)))
  }

  function saveIn(ms: number): void {
    clearTimeout(saveTimer)
    saveTimer = setTimeout(() => void saveNow(), ms)
  }

  // Saving.

  /** Resolves when what stood in the editor when it was called is saved, or cannot be for now. */
  async function saveNow(): Promise<void> {
    clearTimeout(saveTimer)
    // oxlint-disable-next-line no-unmodified-loop-condition -- it is: by what `track` waits for
    while (saving !== null) await saving
    if (isClosed || phase.kind === 'conflict') return
    await track(tabs.exclusively(async () => await (begun === null ? reload() : saveOnce())))
  }

  async function track(work: Promise<void>): Promise<void> {
    const done = work.finally(() => {
      if (saving === done) saving = null
      if (saving === null && heardMeanwhile !== null) takeHeard(heardMeanwhile)
      report()
    })
    saving = done
    report()
    await done
  }

  async function saveOnce(): Promise<void> {
    try {
      if (!isBaseKnown) await learnBase()
      if (heardMeanwhile !== null) takeHeard(heardMeanwhile)
      if (begun !== null && begun.leftAt === null && begun.sent !== null) await learnOfSent(begun.sent)
      if (begun === null || phase.kind === 'conflict') return
      const { saveId: first, unanswered } = begun
      const content = editor.read()
      const saveId = unanswered.length === 0 ? first : createIdempotencyKey()
      begun = { ...begun, content, unanswered: [...unanswered, saveId], sent: content }
      // Should this page not hear the answer, the next one knows that it was sent.
      const sent = begun
      void shadow.writeAtOnce(async (kept) => await kept.keep(sent))
      const isLeaving = document.visibilityState === 'hidden' || begun.leftAt !== null
      await settle(begun, content, await door.save({ saveId, base, content, unanswered, isLeaving }))
    } catch (error) {
      if (isAhead(error)) await beginAnew().catch(fail)
      else fail(error)
    }
  }

  /** The daemon has an older version than this page has seen: it was put back from a backup. What is here is newer. */
  async function beginAnew(): Promise<void> {
    base = (await door.load()) ?? { version: 0, content: emptyContent, savedAt: 0 }
    if (begun !== null) begun = { ...begun, base }
    saveIn(0)
  }

  /** A save whose answer was lost may have been stored, and merged with what others wrote: then the rest goes upon that. */
  async function learnOfSent(sent: EditorContent): Promise<void> {
    const stored = await door.load()
    if (stored === null || stored.version <= base.version) return
    if (!carries({ base: base.content, mine: sent, theirs: stored.content })) return
    takeOver(sent, stored)
    if (begun !== null && isSameContent(editor.read(), base.content)) await forget(begun)
    else if (begun !== null) begun = { ...begun, unanswered: [], sent: null }
  }

  /** What the draft says must be known before anything is saved upon it. */
  async function learnBase(): Promise<void> {
    const stored = await door.load()
    isBaseKnown = true
    if (stored !== null) takeOver(base.content, stored)
  }

  /** Somebody answers again, and there is nothing to save. */
  async function reload(): Promise<void> {
    if (phase.kind !== 'offline') return
    try {
      const stored = await door.load()
      isBaseKnown = true
      failures = 0
      phase = { kind: 'ready' }
      if (stored !== null && stored.version > base.version) takeOver(base.content, stored)
    } catch (error) {
      fail(error)
    }
  }

  async function settle(save: BegunSave, sent: EditorContent, answer: SaveAnswer): Promise<void> {
    failures = 0
    const { version, content, savedAt } = answer
    // The same save came before, and its answer was lost: a browser asks again by itself where a connection breaks off.
    const isThere = carries({ base: save.base.content, mine: sent, theirs: content })
    if (answer.kind === 'conflict' && !isThere) {
      quarrel(answer, answer.fields, answer.conflictId)
      return
    }
    if (answer.kind === 'conflict') void endConflict(answer.conflictId, content)
    phase = { kind: 'ready' }
    // What nobody else wrote in is what was sent, however the daemon spells it.
    if (answer.kind === 'conflict' || answer.merged) takeOver(sent, answer)
    else base = { version, content: sent, savedAt }
    const next = phase.kind === 'ready' && isSameContent(editor.read(), base.content) ? null : beginSave()
    begun = next
    firstChangeAt = next?.changedAt ?? null
    tabs.tell({ version, content, savedAt })
    await shadow.write(
      async (kept) => await kept.acknowledge({ version, content, savedAt, draftId, device, saveId: save.saveId, next }),
    )
    if (next !== null && isReady()) schedule()
  }

  /** It is decided; should nobody hear of that, it stays in the list of conflicts, and nothing is lost. */
  async function endConflict(conflictId: string | null, decided: EditorContent): Promise<void> {
    if (conflictId !== null) await door.endConflict(conflictId, decided).catch(() => {})
  }

  function isReady(): boolean {
    return phase.kind === 'ready'
  }

  /** What others wrote comes in; what was typed here since `before` stays on top of it. */
  function takeOver(before: EditorContent, theirs: Acknowledged): void {
    const rebased = rebase({ base: before, mine: editor.read(), theirs: theirs.content })
    if (rebased.kind === 'conflict') {
      quarrel(theirs, rebased.fields, null)
      return
    }
    if (isSameContent(rebased.content, theirs.content)) {
      show(theirs)
    } else {
      base = theirs
      editor.show(rebased.content)
    }
    if (begun !== null) begun = { ...begun, base }
  }

  /** What the editor makes of it counts as the same: its own way to write HTML is no edit (hazard 17). */
  function show(stored: Acknowledged): void {
    if (!isSameContent(editor.read(), stored.content)) editor.show(stored.content)
    base = { ...stored, content: editor.read() }
  }

  function quarrel(
    { version, content: theirs }: Acknowledged,
    fields: SaveConflict['fields'],
    conflictId: string | null,
  ): void {
    const told = fields.length > 0 ? fields : differingFields(editor.read(), theirs)
    phase = { kind: 'conflict', conflictId, conflict: { fields: told, theirs, version } }
  }

  function fail(error: unknown): void {
    if (isPassing(error)) {
      phase = { kind: 'offline' }
      failures += 1
      if (!isClosed) saveIn(waitOf(error) ?? delayAfter(failures, firstRetryMs))
    } else if (error instanceof ProblemError) {
      phase = { kind: 'refused', code: error.code, message: error.message }
    } else {
      throw error
    }
  }

  /** Another tab has saved. */
  function hear(saved: Acknowledged): void {
    if (saving === null) takeHeard(saved)
    else heardMeanwhile = saved
  }

  function takeHeard(saved: Acknowledged): void {
    heardMeanwhile = null
    if (saved.version <= base.version || isClosed || phase.kind === 'conflict') return
    // Where both wrote at the same place the daemon is asked, at the next save.
    if (rebase({ base: base.content, mine: editor.read(), theirs: saved.content }).kind === 'conflict') return
    takeOver(base.content, saved)
    if (begun !== null && isSameContent(editor.read(), base.content)) void forget(begun)
    report()
  }

  async function forget(save: BegunSave): Promise<void> {
    begun = null
    await shadow.write(async (kept) => await kept.drop(save))
  }

  // The page goes, or may go.

  function leave(): void {
    if (begun === null || isClosed) return
    begun = { ...begun, leftAt: Date.now(), content: editor.read() }
    // At once: nothing that is waited for comes while a page goes, neither a lock nor an earlier answer.
    if (phase.kind !== 'conflict') void track(saveOnce())
    const last = begun
    void shadow.writeAtOnce(async (kept) => await kept.keep(last))
  }

  function hide(): void {
    if (document.visibilityState !== 'hidden' || begun === null || isClosed || begun.leftAt !== null) return
    void keepNow()
    void saveNow()
  }

  function wake(): void {
    failures = 0
    if (phase.kind === 'offline') void saveNow()
    files.wake()
  }

  // What the editor is told.

  function status(): SaveStatus {
    const told = { shadow: shadow.state }
    if (phase.kind === 'conflict') return { ...told, state: 'conflict', conflict: phase.conflict }
    if (phase.kind === 'refused') return { ...told, state: 'refused', code: phase.code, message: phase.message }
    if (phase.kind === 'offline') return { ...told, state: 'offline' }
    if (begun === null) return { ...told, state: 'saved', version: base.version }
    return { ...told, state: saving === null ? 'unsaved' : 'saving' }
  }

  function report(): void {
    const told = status()
    const text = JSON.stringify(told)
    if (text === lastReport || isClosed) return
    lastReport = text
    editor.report(told)
  }

  async function flush(): Promise<SaveStatus> {
    await keepNow()
    if (begun !== null) await saveNow()
    return status()
  }

  async function close(): Promise<void> {
    if (isClosed) return
    await flush()
    isClosed = true
    clearTimeout(saveTimer)
    clearTimeout(keepTimer)
    files.close()
    stopListening()
    window.removeEventListener('pagehide', leave)
    document.removeEventListener('visibilitychange', hide)
    window.removeEventListener('online', wake)
    tabs.close()
    await shadow.close()
  }

  return {
    get status() {
      return status()
    },
    flush,
    async resolve(whose) {
      if (phase.kind !== 'conflict') return status()
      const { conflictId } = phase
      const { version, theirs } = phase.conflict
      phase = { kind: 'ready' }
      base = { version, content: theirs, savedAt: base.savedAt }
      if (whose === 'theirs') show(base)
      begun = begun === null ? null : { ...begun, base }
      if (begun !== null && isSameContent(editor.read(), base.content)) await forget(begun)
      const ended = await flush()
      if (ended.state === 'saved') await endConflict(conflictId, editor.read())
      return ended
    },
    attach: async (file) => await files.add(file),
    close,
    [Symbol.asyncDispose]: close,
  }
}
