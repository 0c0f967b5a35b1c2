import type { Client } from '../client.ts'
import { ProblemError } from '../errors.ts'
import { createIdempotencyKey, mayPass, waitOf } from '../idempotency.ts'
import { delayAfter } from '../pause.ts'
import type { Attachment } from '../resources.ts'
import type { Shadow, ShadowAttachment } from './shadow.ts'

export interface FileInput {
  readonly filename: string
  readonly content: Blob
  /** Default: that of the `Blob`, else `application/octet-stream`. */
  readonly contentType?: string
  /** Default `attachment`; `inline` is shown by the HTML that names its `contentId`. */
  readonly disposition?: 'attachment' | 'inline'
  readonly contentId?: string
}

/** Files on their way to the daemon, each kept in the browser until it has it. */
export interface FileQueue {
  /** Resolves when the daemon has it, however often the line breaks. @throws {ProblemError} it is refused for good */
  add(input: FileInput): Promise<Attachment>
  /** Tries again, at once. */
  wake(): void
  close(): void
}

export interface FileQueueOptions {
  readonly client: Client
  readonly accountId: string
  readonly draftId: string
  /** Of what an earlier page did not get through. */
  readonly waiting: readonly ShadowAttachment[]
  readonly inShadow: (work: (shadow: Shadow) => Promise<void>) => Promise<void>
}

interface Waiting {
  readonly file: ShadowAttachment
  readonly done: PromiseWithResolvers<Attachment>
}

const firstRetryMs = 1_000

export function createFileQueue({ client, accountId, draftId, inShadow, ...options }: FileQueueOptions): FileQueue {
  const queue: Waiting[] = options.waiting.map((file) => waitingOf(file))
  let isRunning = false
  const closing = new AbortController()
  let failures = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  async function run(): Promise<void> {
    clearTimeout(timer)
    if (isRunning) return
    isRunning = true
    for (let next = queue[0]; next !== undefined && !closing.signal.aborted; next = queue[0]) {
      const outcome = await upload(next.file)
      if (outcome.kind === 'later') {
        failures += 1
        timer = setTimeout(() => void run(), outcome.waitMs ?? delayAfter(failures, firstRetryMs))
        break
      }
      failures = 0
      queue.shift()
      const { file, done } = next
      await inShadow(async (kept) => await kept.dropAttachment(file))
      if (outcome.kind === 'attached') done.resolve(outcome.attachment)
      else done.reject(outcome.error)
    }
    isRunning = false
  }

  /** Its id makes it one attachment, however often it is sent (hazard 15). */
  async function upload(file: ShadowAttachment): Promise<Outcome> {
    const { attachmentId: idempotencyKey, filename, mimeType: contentType, blob: content, shown } = file
    try {
      const where = { accountId, draftId, idempotencyKey, author: 'user' } as const
      return {
        kind: 'attached',
        attachment: await client.attach({ ...where, filename, contentType, content, ...shown }),
      }
    } catch (error) {
      // A draft that is new is there once its words are saved.
      const isEarly = error instanceof ProblemError && error.code === 'NOT_FOUND'
      if (isEarly || mayPass(error)) return { kind: 'later', waitMs: waitOf(error) }
      return { kind: 'refused', error }
    }
  }

  if (queue.length > 0) void run()
  return {
    async add({ filename, content, contentType, disposition = 'attachment', contentId }) {
      const file: ShadowAttachment = {
        draftId,
        attachmentId: createIdempotencyKey(),
        filename,
        mimeType: contentType ?? (content.type === '' ? 'application/octet-stream' : content.type),
        size: content.size,
        blob: content,
        shown: { disposition, ...(contentId === undefined ? {} : { contentId }) },
      }
      const waiting = waitingOf(file)
      await inShadow(async (kept) => await kept.keepAttachment(file))
      queue.push(waiting)
      void run()
      return await waiting.done.promise
    },
    wake: () => void run(),
    close() {
      closing.abort()
      clearTimeout(timer)
    },
  }
}

type Outcome =
  | { readonly kind: 'attached'; readonly attachment: Attachment }
  | { readonly kind: 'later'; readonly waitMs: number | null }
  | { readonly kind: 'refused'; readonly error: unknown }

function waitingOf(file: ShadowAttachment): Waiting {
  const done = Promise.withResolvers<Attachment>()
  // Of what an earlier page has begun nobody waits for the end.
  done.promise.catch(() => {})
  return { file, done }
}
