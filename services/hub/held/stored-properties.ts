import { z } from 'zod'
import type { Received } from '../../../shared/bus/broker.ts'
import { storedProperties } from '../../../shared/bus/outbox-message.ts'

/** Of a stranger's message headers may be anything. */
const received = storedProperties.extend({ headers: z.record(z.string(), z.unknown()) })

/** The properties of a held message as the catalogue keeps them. Throws ZodError when the row was changed by hand. */
export const parseProperties = (json: string): Received['properties'] => received.parse(JSON.parse(json))
