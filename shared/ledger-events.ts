import { z } from 'zod'

/** The rows of the catalogue by which the ledger says that it does not balance, and that it does again. */

const count = z.int().min(0)
/** Ids named in one event; the ledger itself lists all. */
export const IMBALANCED_IDS_MAX = 100

export const ledgerEvents = {
  LEDGER_IMBALANCED: {
    key: 'ledger.imbalanced',
    meaning:
      'Something that was accepted is nowhere to be found, for longer than the settling time; said again when it is missing at another place, or of another kind.',
    body: z.object({
      count,
      /** Where it should be. */
      places: z.array(z.object({ kind: z.string().max(64), place: z.string().max(255), count })).max(100),
      ids: z.array(z.string().max(255)).max(IMBALANCED_IDS_MAX),
    }),
    observed: true,
  },
  LEDGER_BALANCED: {
    key: 'ledger.balanced',
    meaning: 'Everything that was accepted is found again, or accounted for.',
    body: z.object({ /** How long it did not. */ lastedMs: z.number().nonnegative() }),
    observed: true,
  },
} as const
