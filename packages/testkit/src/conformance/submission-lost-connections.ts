import { expect, test } from 'vitest'
import { failure } from './mailbox-connecting.ts'
import { lines } from './mailbox-fixture.ts'
import { bytesOf, mailOf, noMark, type SubmissionFixture } from './submission-fixture.ts'

export function exerciseLostSubmissions(fixture: () => SubmissionFixture): void {
  test.each(['fin', 'rst'] as const)('a %s in the message: before the dot, and nobody has it', async (how) => {
    const { envelope, delivered, token } = fixture()
    const { session, proxy } = await fixture().connectThroughProxy()
    await session.open(envelope())
    const cut = proxy.cutAfter({ direction: 'toServer', bytes: 500_000, how })
    const open = async function* (): AsyncGenerator<Uint8Array> {
      yield mailOf(fixture(), '')
      // What was written before the cut is noticed lies in buffers of the system: so there is always more to come.
      while (session.alive) yield* lines(60_000)
    }
    const lost = await failure(session.commit({ kind: 'bytes', open }, noMark))
    expect(lost).toMatchObject({ code: 'CONNECTION_LOST', phase: 'before-dot', isConnectivity: true })
    await cut.done
    expect(session.alive).toBe(false)
    expect(await failure(session.open(envelope()))).toMatchObject({ code: 'CONNECTION_LOST' })
    expect(await delivered(token)).toEqual([])
  })

  test.each(['fin', 'rst'] as const)(
    'a %s in a mail of some packets: its bytes go before the mark is made',
    async (how) => {
      const { envelope, delivered, token } = fixture()
      const { session, proxy } = await fixture().connectThroughProxy()
      await session.open(envelope())
      const cut = proxy.cutAfter({ direction: 'toServer', bytes: 1_000, how })
      const beforeFinalDot = async (): Promise<void> => {
        await cut.done
        while (session.alive) await new Promise((resolve) => setImmediate(resolve))
      }
      const lost = await failure(
        session.commit(bytesOf(mailOf(fixture(), 'text\r\n'.repeat(1_000))), { beforeFinalDot }),
      )
      expect(lost).toMatchObject({ code: 'CONNECTION_LOST', phase: 'before-dot' })
      expect(await delivered(token)).toEqual([])
    },
  )

  test.each(['fin', 'rst'] as const)('H21 a %s after the dot: nobody knows, and nothing is sent again', async (how) => {
    const { envelope, delivered, token, recipients } = fixture()
    const { session, proxy } = await fixture().connectThroughProxy()
    await session.open(envelope({ recipients: [recipients[0]] }))
    const cuts: { readonly done: Promise<unknown> }[] = []
    const lost = await failure(
      session.commit(bytesOf(mailOf(fixture())), {
        beforeFinalDot: async () => {
          // The dot passes; of its answer nothing does.
          cuts.push(proxy.cutAfter({ direction: 'toClient', bytes: 0, how }))
        },
      }),
    )
    expect(lost).toMatchObject({ code: 'CONNECTION_LOST', phase: 'after-dot' })
    await cuts[0]?.done
    expect((await delivered(token)).length).toBeLessThanOrEqual(1)
    expect(proxy.connections).toHaveLength(1)
  })

  test('a cut between mails: the next call throws', async () => {
    const { envelope } = fixture()
    const { session, proxy } = await fixture().connectThroughProxy()
    proxy.cutAll('fin')
    expect(await failure(session.open(envelope()))).toMatchObject({ code: 'CONNECTION_LOST', phase: 'before-dot' })
    expect(session.alive).toBe(false)
  })
}
