import { z } from 'zod'
import { type Api, apis, Site } from '../fuzz/site.ts'

/** Making a document takes no virtual time; a second look would. */
const ANSWER_MS_MAX = 10_000

const document = z.looseObject({ openapi: z.string(), paths: z.record(z.string(), z.unknown()) })
export type OpenApi = z.infer<typeof document>

/** What each service with an API says of it, asked of all services in this process over a broker in memory. Paths in order of their names. */
export async function openApis(): Promise<ReadonlyMap<Api, OpenApi>> {
  await using site = await Site.open()
  const found = new Map<Api, OpenApi>()
  for (const api of apis) {
    const response = await site.during(site.http(api).inject('/openapi.json'), ANSWER_MS_MAX)
    const { paths, ...rest } = document.parse(response.json())
    const sorted = Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))
    found.set(api, { ...rest, paths: Object.fromEntries(sorted) })
  }
  return found
}
