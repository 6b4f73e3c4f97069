import { asyncApi } from './async-api.ts'
import { eventsPage } from './events-page.ts'
import { openApis } from './open-api.ts'

/** A file that is made, not written: its path below the project's folder. */
export type Page = { readonly path: string; readonly text: string }

/** All of them, the same each time they are made of the same sources. */
export async function makePages(): Promise<readonly Page[]> {
  const services = await openApis()
  return [
    { path: 'docs/asyncapi.json', text: textOf(asyncApi()) },
    { path: 'docs/events.md', text: eventsPage() },
    ...[...services].map(([service, document]) => ({ path: `docs/openapi/${service}.json`, text: textOf(document) })),
  ]
}

const textOf = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
