import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { type Event, metaOf } from '../../../shared/bus/envelope.ts'
import type { Body } from '../../../shared/events.ts'
import { createHealth } from '../../../shared/service/health.ts'
import { createHttp } from '../../../shared/service/http.ts'
import { createLog } from '../../../shared/service/log.ts'
import { createMetrics } from '../../../shared/service/metrics.ts'
import { SqliteStore } from '../../../shared/store/sqlite-store.ts'
import { recordEnds } from '../ends.ts'
import { serveObjects } from '../routes.ts'
import type { AskGroup } from '../standing.ts'
import { migrations } from '../store.ts'

/** 2023-11-14T22:13:20.000Z: when all objects of these tests are made. */
export const NOW_MS = 1_700_000_000_000
export const CREATED_AT = '2023-11-14T22:13:20.000Z'

export const pageSchema = z.object({
  items: z.array(z.looseObject({ id: z.string(), state: z.string() })),
  next: z.string().optional(),
})
const objectAnswer = z.object({ id: z.string() })

/** The API of datagen on a database of its own; nothing relays its outbox. */
export async function openApi({ outboxRowsMax = 1_000, askGroup = (async () => undefined) as AskGroup } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'ebs-datagen-'))
  const store = await SqliteStore.open({ path: join(folder, 'datagen.db'), migrations })
  const log = createLog({ service: 'datagen', level: 'silent' })
  const http = await createHttp({
    name: 'datagen',
    title: 'datagen',
    log,
    health: createHealth(),
    metrics: createMetrics(),
  })
  serveObjects(http, { store, outboxRowsMax, askGroup, now: () => NOW_MS })
  const get = (url: string) => http.inject({ method: 'GET', url })
  const post = (url: string, payload: object = {}) => http.inject({ method: 'POST', url, payload })
  return {
    store,
    get,
    post,
    page: async (url: string) => pageSchema.parse((await get(url)).json()),
    /** Makes an object; gives back its id. */
    make: async () => objectAnswer.parse((await post('/api/objects')).json()).id,
    show: async (id: string): Promise<unknown> => (await get(`/api/objects/${id}`)).json(),
    /** Tells of ends, each 100 ms after the one before. */
    end: (...bodies: readonly End[]) =>
      store.write((tx) =>
        recordEnds(
          tx,
          bodies.map((body, place) => eventOf(body, place)),
          NOW_MS,
        ),
      ),
    async [Symbol.asyncDispose]() {
      await http.close()
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
}

type End = Body<'OBJECT_COMPLETED' | 'OBJECT_FAILED'>

export const completed = (objectId: string, durationMs = 250): End => ({
  type: 'OBJECT_COMPLETED',
  ...{ objectId, tenant: 'acme', durationMs, tasks: 3 },
})
export const failed = (objectId: string, error = 'no'): End => ({
  type: 'OBJECT_FAILED',
  ...{ objectId, tenant: 'acme', durationMs: 350, tasks: 3, error },
  missing: [`${objectId}.2`],
})

/** As it arrives; `atMs` is what its sender says of the time. */
export function eventOf(data: End, place: number, atMs: number | undefined = NOW_MS + (place + 1) * 100): Event {
  const received = { exchange: 'ebs', key: 'objects.completed', body: Buffer.from(JSON.stringify(data)) }
  const meta = { ...metaOf({ ...received, properties: { headers: {} } }), atMs }
  return data.type === 'OBJECT_COMPLETED' ? { type: data.type, data, meta } : { type: data.type, data, meta }
}
