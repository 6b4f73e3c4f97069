import { type Body, keyOf } from '../../../shared/events.ts'
import type { RecordedEvent } from '../store.ts'
import { START_MS } from './history.ts'

export { START_MS }

/** An event that was said so many ms after the start. */
export const recordedAt = (ms: number, body: Body): RecordedEvent => ({
  type: body.type,
  key: keyOf(body),
  atMs: START_MS + ms,
  tenant: null,
  body,
  unheard: false,
})
