import type { Address } from './address.ts'
import { byKey, changedBy, equal, mergeValue, orderOfKeys, type Side, type Sides } from './merge-value.ts'

const recipientFields = ['to', 'cc', 'bcc'] as const
export type RecipientField = (typeof recipientFields)[number]
export type Recipients = Readonly<Record<RecipientField, readonly Address[]>>

/** Where one recipient stands, and how it is written there. Empty: nowhere. */
type Places = ReadonlyMap<RecipientField, Address>

/**
 * The three fields together, as one set: who moves from To to Cc is one recipient, before and after. Where the sides
 * disagree about one recipient, only that one is the winner's.
 */
export function mergeRecipients(
  sides: Sides<Recipients>,
  winner: Side,
): { readonly recipients: Recipients; readonly conflicts: readonly RecipientField[] } {
  const base = placesOf(sides.base)
  const local = placesOf(sides.local)
  const remote = placesOf(sides.remote)
  const conflicts: RecipientField[] = []
  const merged = new Map<string, Places>()
  const nowhere: Places = new Map()
  for (const key of new Set([...base.keys(), ...local.keys(), ...remote.keys()])) {
    const one = mergePlaces(
      { base: base.get(key) ?? nowhere, local: local.get(key) ?? nowhere, remote: remote.get(key) ?? nowhere },
      winner,
    )
    merged.set(key, one.places)
    conflicts.push(...one.conflicts)
  }
  const list = (field: RecipientField): readonly Address[] =>
    inOrder({ base: sides.base[field], local: sides.local[field], remote: sides.remote[field] }, (key) =>
      merged.get(key)?.get(field),
    )
  return { recipients: { to: list('to'), cc: list('cc'), bcc: list('bcc') }, conflicts }
}

/** An unfinished recipient may have a name only. */
function keyOf({ address, name }: Address): string {
  return address === '' ? `name:${name.toLowerCase()}` : `address:${address.toLowerCase()}`
}

function placesOf(recipients: Recipients): ReadonlyMap<string, Places> {
  const places = new Map<string, Map<RecipientField, Address>>()
  for (const field of recipientFields) {
    for (const [key, address] of byKey(recipients[field], keyOf)) {
      places.set(key, (places.get(key) ?? new Map<RecipientField, Address>()).set(field, address))
    }
  }
  return places
}

function mergePlaces(
  { base, local, remote }: Sides<Places>,
  winner: Side,
): { readonly places: Places; readonly conflicts: readonly RecipientField[] } {
  if (samePlaces(local, base)) return { places: remote, conflicts: [] }
  if (samePlaces(remote, base) || samePlaces(local, remote)) return { places: local, conflicts: [] }
  // Removed by one, changed by the other: rather one too many, whom the user sees, than one lost.
  if (local.size === 0) return { places: remote, conflicts: [] }
  if (remote.size === 0) return { places: local, conflicts: [] }

  const fields = mergeValue({ base: fieldsOf(base), local: fieldsOf(local), remote: fieldsOf(remote) }, winner)
  const places = new Map<RecipientField, Address>()
  const conflicts = new Set<RecipientField>()
  if (fields.conflict) {
    for (const field of recipientFields) if (local.has(field) !== remote.has(field)) conflicts.add(field)
  }
  for (const field of fields.value) {
    const writing = mergeWriting(
      { base: writingIn(base, field), local: writingIn(local, field)!, remote: writingIn(remote, field)! },
      winner,
    )
    places.set(field, writing.value)
    if (writing.conflict) conflicts.add(field)
  }
  return { places, conflicts: [...conflicts] }
}

function samePlaces(a: Places, b: Places): boolean {
  return a.size === b.size && [...a].every(([field, address]) => equal(address, b.get(field)))
}

function fieldsOf(places: Places): readonly RecipientField[] {
  return recipientFields.filter((field) => places.has(field))
}

/** In that field, or else where the recipient was before it moved. */
function writingIn(places: Places, field: RecipientField): Address | undefined {
  return places.get(field) ?? places.values().next().value
}

function mergeWriting(
  { base, local, remote }: { readonly base: Address | undefined; readonly local: Address; readonly remote: Address },
  winner: Side,
): { readonly value: Address; readonly conflict: boolean } {
  const address = mergeValue<string | undefined>(
    { base: base?.address, local: local.address, remote: remote.address },
    winner,
  )
  const name = mergeValue<string | undefined>({ base: base?.name, local: local.name, remote: remote.name }, winner)
  // Each in a case of its own: nobody minds which, but both devices are to choose the same.
  const [first] = [local.address, remote.address].toSorted()
  return {
    value: {
      address: (address.conflict ? first : address.value) ?? local.address,
      name: (name.conflict ? name.value || local.name || remote.name : name.value) ?? '',
    },
    conflict: name.conflict && local.name !== '' && remote.name !== '',
  }
}

function inOrder(lists: Sides<readonly Address[]>, mergedAs: (key: string) => Address | undefined): readonly Address[] {
  const { base, local, remote } = lists
  const keys = orderOfKeys({ base: base.map(keyOf), local: local.map(keyOf), remote: remote.map(keyOf) })
  const merged = keys.map(mergedAs).filter((address) => address !== undefined)
  const by = changedBy(lists)
  if (by === 'both') return merged
  // To the letter, even where somebody stands in it twice.
  const taken = by === 'remote' ? remote : local
  return equal([...byKey(taken, keyOf).values()], merged) ? taken : merged
}
