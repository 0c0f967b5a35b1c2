/** Who types a command is a person: the history says so. */
export const asUser = { 'everdraft-author': 'user' } as const
