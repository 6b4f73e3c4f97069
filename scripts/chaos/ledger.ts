import { z } from 'zod'
import { isKind, type Kind } from './witness.ts'

const ANSWER_MS_MAX = 10_000

const ledgerSchema = z.looseObject({
  at: z.string(),
  balanced: z.boolean(),
  imbalance: z.number(),
  totals: z.array(
    z.looseObject({
      kind: z.string(),
      accepted: z.number(),
      done: z.number(),
      failed: z.number(),
      inFlight: z.number(),
      waiting: z.number(),
      parked: z.number(),
      dead: z.number(),
      discarded: z.number(),
    }),
  ),
})

/** The product's own account, as statistics tells it. */
export type Ledger = z.infer<typeof ledgerSchema>
export type LedgerTotal = Ledger['totals'][number]

/** Asks for the ledger; undefined when this statistics has none. Rejects when it does not answer, or in another shape. */
export async function askLedger(statisticsUrl: string): Promise<Ledger | undefined> {
  const response = await fetch(`${statisticsUrl}/api/ledger`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
  const text = await response.text()
  if (response.status === 404) return undefined
  if (!response.ok) throw new Error(`The ledger cannot be had: statistics answered ${response.status}: ${text}`)
  return ledgerSchema.parse(JSON.parse(text))
}

/** The line of each kind. */
export const totalsByKind = ({ totals }: Ledger): ReadonlyMap<Kind, LedgerTotal> =>
  new Map(totals.flatMap((total) => (isKind(total.kind) ? [[total.kind, total] as const] : [])))

/** Neither done nor failed: there is nothing else left at the end of a run. */
export const openIn = ({ inFlight, waiting, parked, dead, discarded }: LedgerTotal): number =>
  inFlight + waiting + parked + dead + discarded
