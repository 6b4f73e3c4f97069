import type { Bus } from '../../../shared/bus/bus.ts'
import { BODY_BYTES_MAX, depthOf, JSON_DEPTH_MAX } from '../../../shared/bus/envelope.ts'
import { topicMatches } from '../../../shared/bus/topic-match.ts'
import { isEventType, rowOf } from '../../../shared/events.ts'
import type { Actor } from '../../../shared/flow/kernel.ts'
import type { Held } from '../../../shared/store/held-messages.ts'
import type { HubStore } from '../../../shared/store/hub-store.ts'
import { queues } from '../../../shared/topology.ts'
import type { EditAnswer } from '../held-operations.ts'
import type { Contents } from './contents.ts'

export type EditOptions = {
  readonly bus: Pick<Bus, 'clock'>
  readonly store: Pick<HubStore, 'held' | 'write'>
  readonly contents: Pick<Contents, 'fetch'>
}

type Fault = { readonly field: string; readonly message: string }

/** Keeps another body for a held message, for when it is replayed. It has to be an event that its queue takes. */
export async function editHeld(options: EditOptions, id: string, body: unknown, by: Actor): Promise<EditAnswer> {
  const { store, contents, bus } = options
  const row = await store.held.findHeld(id)
  if (!row) return { outcome: 'unknown' }
  if (row.state !== 'held') return { outcome: 'not-held', state: row.state }
  const faults = faultsOf(body, row)
  if (faults.length > 0) return { outcome: 'invalid', errors: faults }
  const original = (await contents.fetch([id])).get(id)
  const { contentEncoding: _, ...properties } = original?.properties ?? { headers: {} }
  const edited = `${by.actor}, ${new Date(bus.clock.now()).toISOString()}: ${by.reason}`
  const content = {
    id,
    body: JSON.stringify(body),
    properties: JSON.stringify({ ...properties, type: typeOf(body), contentType: 'application/json' }),
    edited,
  }
  return store.write(async ({ held }): Promise<EditAnswer> => {
    // A job may have chosen it while its content was read.
    const [now] = await held.findHeld([id])
    if (now?.state !== 'held') return now ? { outcome: 'not-held', state: now.state } : { outcome: 'unknown' }
    await held.keepContents([content])
    return { outcome: 'edited', edited }
  })
}

const typeOf = (body: unknown) =>
  typeof body === 'object' && body !== null && 'type' in body && typeof body.type === 'string' ? body.type : undefined

function faultsOf(body: unknown, row: Held): readonly Fault[] {
  const type = typeOf(body)
  if (type === undefined) return [{ field: 'type', message: 'expected the type of an event' }]
  if (!isEventType(type)) return [{ field: 'type', message: `'${type}' is not in the catalogue` }]
  if (!isTaken(row, rowOf(type).key, type))
    return [{ field: 'type', message: `${row.queue ?? 'the platform'} does not take ${type}` }]
  const checked = rowOf(type).body.safeParse(body)
  if (!checked.success)
    return checked.error.issues.map(({ path, message }) => ({ field: path.join('.') || 'body', message }))
  const bytes = Buffer.from(JSON.stringify(body))
  if (bytes.length > BODY_BYTES_MAX)
    return [{ field: 'body', message: `${bytes.length} bytes, at most ${BODY_BYTES_MAX} are taken` }]
  if (depthOf(bytes) > JSON_DEPTH_MAX)
    return [{ field: 'body', message: `nested deeper than ${JSON_DEPTH_MAX} levels` }]
  return []
}

/** What a queue got, or hears. Of queues that are not in the table (other programs') only what they got is known. */
function isTaken({ queue, type: was }: Held, key: string, type: string): boolean {
  if (type === was || queue === null) return true
  const table: Readonly<Record<string, { readonly hears: readonly string[] }>> = queues
  return table[queue]?.hears.some((heard) => topicMatches(heard, key)) ?? false
}
