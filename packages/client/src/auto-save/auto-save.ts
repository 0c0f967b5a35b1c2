import { ProblemError } from '../errors.ts'
import { waitOf } from '../idempotency.ts'
import { delayAfter } from '../pause.ts'
import type { Attachment } from '../resources.ts'
import { beginSave, nextSend } from './begun-save.ts'
import { differingFields, type EditorContent, isSameContent } from './content.ts'
import { openDraftDoor, type SaveAnswer } from './draft-door.ts'
import type { Editor, SaveConflict, SaveStatus } from './editor.ts'
import { isAhead, isPassing, isUnfit } from './failures.ts'
import { createFileQueue, type FileInput } from './file-queue.ts'
import { neverSaved, openDraft } from './opening.ts'
import { type AutoSaveOptions, checkedOptions } from './options.ts'
import { watchPage } from './page-life.ts'
import { type Phase, statusOf } from './phase.ts'
import { rebase } from './rebase.ts'
import { createRhythm } from './rhythm.ts'
import { createShadowKeeper } from './shadow-keeper.ts'
import type { Acknowledged, BegunSave, SentSave } from './shadow.ts'
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

const firstRetryMs = 1_000

/**
 * Saves what is written in an editor by itself: into the browser at once, and to the daemon at each pause, and while somebody
 * types steadily all the same. Loads the draft into the editor first, and offers what an earlier page could not save.
 *
 * Needs Web Locks and BroadcastChannel: a page of https or of localhost.
 * @throws {RangeError} for an interval out of its range
 * @throws {ProblemError} where the draft cannot be had: it is not the caller's
 */
export async function autoSave(editor: Editor, options: AutoSaveOptions): Promise<AutoSave> {
  const { client, accountId, draftId, tenantId, userId, deviceId: device, ...intervals } = checkedOptions(options)
  const door = openDraftDoor({ client, accountId, draftId, deviceId: device })

  let base = neverSaved
  /** False: nobody has said yet whether there is such a draft. */
  let isBaseKnown = false
  /** What is written and not acknowledged; null: nothing. */
  let begun: BegunSave | null = null
  let firstChangeAt: number | null = null
  let phase: Phase = { kind: 'ready' }
  let saving: Promise<void> | null = null
  let heardMeanwhile: Acknowledged | null = null
  let failures = 0
  let lastReport = ''
  let isClosed = false

  const rhythm = createRhythm({ ...intervals, save: () => void saveNow(), keep: () => void keepNow() })
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
  const stopWatching = watchPage({ onLeave: leave, onHide: hide, onOnline: wake })
  // What was recovered goes on from here, and so does what the editor shows of a draft that nobody has stored yet.
  if (begun !== null) void keepNow()
  if (begun !== null && isReady()) void saveNow()
  changed()
  report()

  async function load(): Promise<void> {
    const opened = await openDraft({ door, shadow, tabs, editor, draftId, show })
    isBaseKnown = opened.isKnown
    if (opened.failure !== null) fail(opened.failure)
    const { stored, resumed } = opened
    if (resumed !== null) {
      base = resumed.base
      begun = resumed
      firstChangeAt = Date.now()
      editor.show(resumed.content)
    } else if (stored !== null) {
      await shadow.write(async (kept) => await kept.remember({ ...stored, draftId, device }))
    }
  }

  // The shadow.

  async function keepNow(): Promise<void> {
    rhythm.keeps()
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
      begun = begin()
      firstChangeAt = begun.changedAt
      void door.begin(begun).catch(() => {})
    }
    begun = { ...begun, changedAt: Date.now() }
    rhythm.changed()
    if (phase.kind === 'refused') phase = { kind: 'ready' }
    // While nobody answers, the next try has its time already.
    if (phase.kind === 'ready') rhythm.schedule(firstChangeAt)
    report()
  }

  function begin(): BegunSave {
    return beginSave({ draftId, device, tab: tabs.id }, { base, content: editor.read() })
  }

  // Saving.

  /** Resolves when what stood in the editor when it was called is saved, or cannot be for now. */
  async function saveNow(): Promise<void> {
    rhythm.saves()
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
      if (begun === null || phase.kind === 'conflict') return
      await send(begun)
    } catch (error) {
      if (isAhead(error)) await beginAnew().catch(fail)
      else fail(error)
    }
  }

  async function send(save: BegunSave): Promise<void> {
    const sent = nextSend(save, { base, content: editor.read() })
    begun = { ...save, content: sent.content, sent }
    // Should this page not hear the answer, the next one knows that it was sent.
    const kept = begun
    void shadow.writeAtOnce(async (store) => await store.keep(kept))
    const isLeaving = document.visibilityState === 'hidden' || save.leftAt !== null
    await settle(save, sent, await door.save({ ...sent, isLeaving }))
  }

  /** The daemon has an older version than this page has seen: it was put back from a backup. What is here is newer. */
  async function beginAnew(): Promise<void> {
    base = (await door.load()) ?? neverSaved
    if (begun !== null) begun = { ...begun, base, sent: null }
    rhythm.saveIn(0)
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

  async function settle({ saveId }: BegunSave, sent: SentSave, answer: SaveAnswer): Promise<void> {
    failures = 0
    if (answer.kind === 'conflict') {
      if (begun !== null) begun = { ...begun, sent: null }
      quarrel(answer, answer.fields, answer.conflictId)
      return
    }
    const { version, content, savedAt } = answer
    phase = { kind: 'ready' }
    // Else another tab has told more than this, and what was sent is in that.
    const isNews = version >= base.version
    const known = isNews ? { version, content, savedAt } : base
    // What nobody else wrote in is what was sent, however the daemon spells it.
    if (isNews && answer.merged) takeOver(sent.content, known)
    else if (isNews) base = { ...known, content: sent.content }
    const next = isReady() && isSameContent(editor.read(), base.content) ? null : begin()
    begun = next
    firstChangeAt = next?.changedAt ?? null
    tabs.tell(known)
    await shadow.write(async (kept) => await kept.acknowledge({ ...known, draftId, device, saveId, next }))
    if (next !== null && isReady()) rhythm.schedule(firstChangeAt)
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
      rhythm.saveIn(waitOf(error) ?? delayAfter(failures, firstRetryMs))
    } else if (error instanceof ProblemError) {
      if (begun !== null && isUnfit(error)) begun = { ...begun, sent: null }
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
    if (begun === null || isClosed || begun.leftAt !== null) return
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
    const words = { isUnsaved: begun !== null, isSaving: saving !== null, version: base.version }
    return statusOf(phase, { shadow: shadow.state, ...words })
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
    rhythm.close()
    files.close()
    stopListening()
    stopWatching()
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
