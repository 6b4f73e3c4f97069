import { answerQuestions } from '../../../shared/bus/answer.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { BODY_BYTES_MAX } from '../../../shared/bus/envelope.ts'
import type { Body, Json } from '../../../shared/events.ts'
import { filterLedger, type Ledger } from '../../../shared/ledger-view.ts'
import type { SqliteReader } from '../../../shared/store/sqlite-store.ts'
import { factsOf } from '../facts.ts'
import { type Pace, readLedger } from './view.ts'

/** Room in the answer for what surrounds the ledger. */
const AROUND_BYTES_MAX = 4_096

/** Answers whoever asks over the bus for the ledger, or for what was counted about an id. */
export const answerAsked = (bus: Bus, read: SqliteReader, pace: Pace) =>
  answerQuestions(bus, {
    queue: 'statistics_ask',
    answer: ({ data }): Body | undefined => {
      if (data.type === 'FACTS_ASKED')
        return { type: 'FACTS_TOLD', id: data.id, service: bus.service, facts: factsOf(read, data.id) }
      if (data.type !== 'LEDGER_ASKED') return undefined
      const ledger = readLedger(read, { ...pace, nowMs: bus.clock.now() })
      return { type: 'LEDGER_TOLD', ledger: fitting(filterLedger(ledger, data)) }
    },
  })

/** As JSON. One that is too large for a message goes without the lists of tenants and ids: they are in the service's own API. */
function fitting(ledger: Ledger): Record<string, Json> {
  const text = JSON.stringify(ledger)
  if (Buffer.byteLength(text) <= BODY_BYTES_MAX - AROUND_BYTES_MAX) return JSON.parse(text)
  const imbalances = ledger.imbalances.map((one) => ({ ...one, ids: [] }))
  return JSON.parse(JSON.stringify({ ...ledger, imbalances, accounts: [], parked: [], discarded: [] }))
}
