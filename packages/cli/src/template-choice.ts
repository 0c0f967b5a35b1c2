import type { TemplateJson } from '@everdraft/daemon'

import type { Client } from './client.ts'
import { CommandFailure, UsageError } from './failure.ts'
import { everyItem } from './paging.ts'

/** By its id or its name. */
export async function templateByName(client: Client, accountId: string, name: string): Promise<TemplateJson> {
  const templates = await everyItem<TemplateJson>(client, `/accounts/${accountId}/templates`)
  const found = templates.filter((template) => template.id === name || template.name === name)
  const [only] = found
  if (only === undefined) throw new CommandFailure(`there is no template ${name}`)
  if (found.length > 1) throw new UsageError(`several templates have the name ${name}: use the id`)
  return only
}
