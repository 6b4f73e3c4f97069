import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import type { Api } from '../cli/api.ts'
import { paging } from '../cli/common-options.ts'
import { parsePast } from '../cli/duration.ts'
import { UsageError } from '../cli/exit-code.ts'
import { asNumber, asText, value } from '../cli/options.ts'
import type { Screen } from '../cli/terminal.ts'
import { verb } from '../cli/verb.ts'
import { counted } from '../cli/wording.ts'

/** Journeys per request: each comes whole. */
const PAGE = 100
const LIMIT_MAX = 1_000_000_000

const journey = z.looseObject({ id: z.string(), endedAt: z.string() })
const page = z.looseObject({ items: z.array(journey), next: z.string().optional() })

/** How far an export is: what ended before `since` is written, and of what ended in that very millisecond, these. */
const placeSchema = z.strictObject({ since: z.iso.datetime(), written: z.array(z.string()) })
type Place = z.infer<typeof placeSchema>

const BEGINNING: Place = { since: new Date(0).toISOString(), written: [] }

export const exportVerb = verb({
  name: 'export',
  says: 'Write journeys that have ended, whole, a line of JSON each, in the order of their ends.',
  examples: [
    'ebs journey export --since 1d -o ndjson',
    'ebs journey export --since 2026-01-01T00:00:00Z -o ndjson --limit 1000',
    'ebs journey export --state .ebs-export.json -o ndjson >> journeys.ndjson',
  ],
  options: {
    since: value('--since <when>', 'that ended since then: a time, or a span such as 1d (default: all)', asText),
    state: value('--state <file>', 'keep there how far it is, and go on from there the next time', asText),
    cursor: paging.cursor,
    limit: value('--limit <n>', 'so many at most (default: all)', asNumber({ min: 1, max: LIMIT_MAX })),
  },
  async run(cli, { since, state, cursor, limit }) {
    if (cli.format === 'table' || cli.format === 'json')
      throw new UsageError(`An export is ndjson: leave out -o ${cli.format}, or say -o ndjson.`)
    if (state !== undefined && cursor !== undefined)
      throw new UsageError('--state and --cursor contradict each other: both say where to go on.')
    const begin = since === undefined ? BEGINNING : { since: parsePast(since, cli.now()), written: [] }
    const from = (state === undefined ? undefined : findPlace(state)) ?? begin
    let count = 0
    let place = from
    let next = cursor
    const save = () => state !== undefined && savePlace(state, place)
    try {
      for await (const read of pagesOf(cli.api('hub'), from, { cursor, limit })) {
        await write(cli.terminal.out, read.items.map((item) => `${JSON.stringify(item)}\n`).join(''))
        count += read.items.length
        place = placeBehind(place, read.items)
        next = read.next
        save()
      }
    } finally {
      const goOn = next === undefined ? `--since ${place.since}` : `--since ${from.since} --cursor '${next}'`
      const how = state === undefined ? `ebs journey export ${goOn}` : `the same command; ${state} knows how far it is`
      cli.say(`${counted(count, 'journey')} written. To go on: ${how}`)
    }
    return undefined
  },
})

type Bounds = { readonly cursor: string | undefined; readonly limit: number | undefined }

/** Page after page, without what is written already. */
async function* pagesOf(hub: Api, { since, written }: Place, { cursor, limit = Number.POSITIVE_INFINITY }: Bounds) {
  const known = new Set(written)
  let [next, left] = [cursor, limit]
  do {
    const query = { since, limit: Math.min(PAGE, left), cursor: next }
    const read: z.infer<typeof page> = await hub.get('/api/journeys/export', page, query)
    const items = read.items.filter(({ id }) => !known.has(id))
    left -= items.length
    next = read.next
    yield { items, next }
  } while (next !== undefined && left > 0)
}

function placeBehind(place: Place, items: readonly z.infer<typeof journey>[]): Place {
  const since = items.at(-1)?.endedAt
  if (since === undefined) return place
  const written = items.filter(({ endedAt }) => endedAt === since).map(({ id }) => id)
  return { since, written: since === place.since ? [...place.written, ...written] : written }
}

/** Resolves when it is on its way out: a reader that is slow is not overrun. */
const write = (out: Screen, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    out.write(text, (error) => (error ? reject(error) : resolve()))
  })

/** Undefined when there is no such file yet. Throws UsageError for one that is something else. */
function findPlace(file: string): Place | undefined {
  try {
    return placeSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new UsageError(`--state: ${file} was not written by an export, or cannot be read. Give another file.`)
  }
}

/** Whole or not at all: a process that is killed leaves the one before. */
function savePlace(file: string, place: Place): void {
  const draft = `${file}.new`
  writeFileSync(draft, `${JSON.stringify(place)}\n`)
  renameSync(draft, file)
}
