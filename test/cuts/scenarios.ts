import type { Umid } from '@everdraft/core'

import { type Device, incompressible, settle } from '../live/harness.ts'
import type { Unused } from './plain-port.ts'

type Verb = 'LOGIN' | 'APPEND' | 'REPLACE' | 'CATENATE' | 'STORE' | 'EXPUNGE'

/** Something that a user does, whose way to the server is cut. */
export interface Scenario {
  readonly name: string
  readonly unused: readonly Unused[]
  /** What its conversation is to hold, or it would prove less than its name says; none where it cannot be read. */
  readonly verbs: readonly Verb[]
  /** Every byte, as far as the whole is asked for; or the places where something begins or ends. */
  readonly cuts: 'every byte' | 'every boundary'
  /** Whether the conversation begins with the connection and the login. */
  readonly connects: boolean
  /** Brings the mailbox to where the scenario begins: a draft at rest, or none. */
  prepare(device: Device, last: Umid | null): Promise<Umid | null>
  /** What the user does; the draft it was done to. */
  act(device: Device, draftId: Umid | null, round: number): Promise<Umid>
}

/** Incompressible, and of few bytes as a message: many boundaries are near each other. */
const largeBytes = 120_000

async function oneDraft(device: Device, last: Umid | null): Promise<Umid> {
  if (last !== null) return last
  const { id } = await device.create({ subject: 'A letter', text: 'begun\n' })
  await settle(device)
  return id
}

async function oneLargeDraft(device: Device, last: Umid | null): Promise<Umid> {
  if (last !== null) return last
  const { id } = await device.create({ subject: 'With a file', text: 'begun\n' })
  await device.attach(id, incompressible(largeBytes))
  await settle(device)
  return id
}

async function none(device: Device, last: Umid | null): Promise<null> {
  if (last !== null) {
    await device.engine.drafts.discard(last)
    await settle(device)
  }
  return null
}

async function edit(device: Device, draftId: Umid | null, round: number): Promise<Umid> {
  const { id } = await device.engine.drafts.save(draftId as Umid, { text: `edit ${String(round).padStart(6, '0')}\n` })
  return id
}

async function create(device: Device, _: Umid | null, round: number): Promise<Umid> {
  const { id } = await device.create({ subject: 'New', text: `new ${String(round).padStart(6, '0')}\n` })
  return id
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'a new draft by APPEND',
    unused: ['compress'],
    verbs: ['APPEND'],
    cuts: 'every byte',
    connects: false,
    prepare: none,
    act: create,
  },
  {
    name: 'an edit by REPLACE',
    unused: ['compress'],
    verbs: ['REPLACE'],
    cuts: 'every byte',
    connects: false,
    prepare: oneDraft,
    act: edit,
  },
  {
    name: 'an edit by APPEND, STORE and EXPUNGE',
    unused: ['compress', 'replace'],
    verbs: ['APPEND', 'STORE', 'EXPUNGE'],
    cuts: 'every byte',
    connects: false,
    prepare: oneDraft,
    act: edit,
  },
  {
    name: 'a discarded draft',
    unused: ['compress'],
    verbs: ['STORE', 'EXPUNGE'],
    cuts: 'every byte',
    connects: false,
    prepare: (device) => oneDraft(device, null),
    async act(device, draftId) {
      await device.engine.drafts.discard(draftId as Umid)
      return draftId as Umid
    },
  },
  {
    name: 'an edit, from the connection on and compressed',
    unused: [],
    verbs: [],
    cuts: 'every byte',
    connects: true,
    prepare: oneDraft,
    act: edit,
  },
  {
    name: 'an edit of a draft with a file by CATENATE',
    unused: ['compress'],
    verbs: ['APPEND', 'CATENATE', 'STORE', 'EXPUNGE'],
    cuts: 'every boundary',
    connects: true,
    prepare: oneLargeDraft,
    act: edit,
  },
  {
    name: 'an edit of a draft with a file by REPLACE',
    unused: ['compress', 'catenate'],
    verbs: ['REPLACE'],
    cuts: 'every boundary',
    connects: true,
    prepare: oneLargeDraft,
    act: edit,
  },
  {
    name: 'an edit of a draft with a file by APPEND, STORE and EXPUNGE',
    unused: ['compress', 'catenate', 'replace'],
    verbs: ['APPEND', 'STORE', 'EXPUNGE'],
    cuts: 'every boundary',
    connects: true,
    prepare: oneLargeDraft,
    act: edit,
  },
  {
    name: 'a new draft with a file',
    unused: ['compress'],
    verbs: ['APPEND'],
    cuts: 'every boundary',
    connects: false,
    prepare: none,
    async act(device, _, round) {
      const id = await create(device, null, round)
      await device.attach(id, incompressible(largeBytes))
      return id
    },
  },
]
