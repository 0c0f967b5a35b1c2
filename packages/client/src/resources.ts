import type { components } from './schema.ts'

type Schemas = components['schemas']

export type Account = Schemas['Account']
export type Attachment = Schemas['Attachment']
export type Draft = Schemas['Draft']
export type DraftListItem = Schemas['DraftListItem']
export type Send = Schemas['Send']
export type Task = Schemas['Task']
