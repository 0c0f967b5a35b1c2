import type { LiteralToSend } from '@everdraft/testkit'

/** Who speaks: two connections of the same user, so that one can see what the other did. */
export type Speaker = 'a' | 'b'

/**
 * One step of a script. `{V:Folder}` in a text becomes the UIDVALIDITY that this server gave the folder, and `{M:name}`
 * the HIGHESTMODSEQ that was remembered under this name.
 * `only` names the facts to compare where the rest is the server's own business (see facts.ts).
 */
export type Step =
  | { readonly send: readonly (string | LiteralToSend)[]; readonly by: Speaker; readonly only?: RegExp }
  | { readonly idle: 'start' | 'done'; readonly by: Speaker }
  | { readonly remember: string; readonly folder: string; readonly by: Speaker }
  /** Waits for a line during IDLE; that it comes is the claim. */
  | { readonly pushed: RegExp; readonly by: Speaker }

export interface Script {
  readonly name: string
  /** An extension without which the script says nothing. It is played once the embedded server offers that. */
  readonly needs?: string
  /** Its connections can be compressed: they are from a COMPRESS DEFLATE on. */
  readonly compressible?: true
  readonly steps: readonly Step[]
}

/** A command on the first connection. */
export function a(...send: readonly (string | LiteralToSend)[]): Step {
  return { send, by: 'a' }
}

/** A command on the second connection. */
export function b(...send: readonly (string | LiteralToSend)[]): Step {
  return { send, by: 'b' }
}

/** Remembers the HIGHESTMODSEQ that a folder has now, asked for on the second connection. */
export function remember(name: string, folder = 'Drafts'): Step {
  return { remember: name, folder, by: 'b' }
}

/** A command of which only some facts count. */
export function part(only: RegExp, ...send: readonly (string | LiteralToSend)[]): Step {
  return { send, by: 'a', only }
}
