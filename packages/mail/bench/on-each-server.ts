import { availability, type ServerName } from '@everdraft/testkit'

/** One server after the other; of those that are not on this machine the titles. */
export async function onEachServer<Figures extends object>(
  servers: readonly (readonly [name: ServerName, title: string])[],
  say: (line: string) => void,
  measure: (name: ServerName, title: string) => Promise<Figures>,
): Promise<{
  readonly measured: readonly (Figures & { readonly title: string })[]
  readonly missing: readonly string[]
}> {
  const measured: (Figures & { readonly title: string })[] = []
  const missing: string[] = []
  for (const [name, title] of servers) {
    const here = availability(name)
    if (!here.available) {
      say(`${title} skipped: ${here.reason}`)
      missing.push(title)
      continue
    }
    say(title)
    measured.push({ ...(await measure(name, title)), title })
  }
  return { measured, missing }
}
