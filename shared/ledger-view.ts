import { z } from 'zod'
import { subjectKinds } from './subject.ts'

/** The ledger as statistics tells it, the API shows it, and the command line reads it. */

const count = z.int().min(0)
const kind = z.enum(subjectKinds)
/** Where entries are; in every row accepted is the sum of the others. */
const states = {
  accepted: count,
  done: count,
  failed: count,
  inFlight: count,
  waiting: count,
  parked: count,
  dead: count,
  discarded: count,
}

export const ledgerSchema = z.object({
  at: z.iso.datetime(),
  /** Entries that have changed within this time are not compared. */
  settleMs: z.number(),
  balanced: z.boolean(),
  /** Ids that are not where they should be. */
  imbalance: count,
  /** Not balanced since. */
  since: z.iso.datetime().optional(),
  /** When entries were last compared with what is there; missing before the first time. */
  comparedAt: z.iso.datetime().optional(),
  /** That is too long ago: nobody can say now whether it balances. */
  overdue: z.boolean().optional(),
  /** Why a tenant that was asked for has no account of its own. */
  uncounted: z.string().optional(),
  totals: z.array(z.object({ kind, ...states, imbalance: count })),
  accounts: z.array(z.object({ kind, tenant: z.string(), ...states })),
  queues: z.array(
    z.object({
      queue: z.string(),
      /** What the broker counts in it; `unsettled` (delivered, and not yet acked) is null where nobody can count it. */
      ready: count,
      unsettled: count.nullable(),
      replay: count,
      parked: count,
      dead: count,
      /** What the events say should be there. */
      entries: z.object({ inFlight: count, waiting: count, parked: count, dead: count }),
      at: z.iso.datetime(),
    }),
  ),
  parked: z.array(z.object({ kind, tenant: z.string(), queue: z.string(), rule: z.string(), count })),
  discarded: z.array(z.object({ kind, tenant: z.string(), queue: z.string(), by: z.string(), count })),
  imbalances: z.array(
    z.object({
      kind,
      place: z.string(),
      count,
      /** There may be more. */
      atLeast: z.boolean().optional(),
      since: z.iso.datetime(),
      ids: z.array(z.string()),
    }),
  ),
  /** What could not be compared. */
  unobserved: z.array(z.object({ place: z.string(), why: z.string() })),
})

export type Ledger = z.infer<typeof ledgerSchema>

/** Who is not counted by name; no tenant can be called so. */
const OTHER = '(other)'

export type LedgerFilter = {
  readonly kind?: Ledger['totals'][number]['kind'] | undefined
  readonly tenant?: string | undefined
}

/**
 * A part of the ledger. Of a kind, whether it balances is said of that kind; a tenant leaves totals and imbalances as they are, because
 * queues are not kept by tenant.
 */
export function filterLedger(ledger: Ledger, { kind, tenant }: LedgerFilter): Ledger {
  const isKind = (row: { readonly kind: string }) => kind === undefined || row.kind === kind
  const isTenant = (row: { readonly tenant: string }) => tenant === undefined || row.tenant === tenant
  const isBoth = (row: { readonly kind: string; readonly tenant: string }) => isKind(row) && isTenant(row)
  const { accounts, parked, discarded, since: _, ...rest } = ledger
  const imbalances = ledger.imbalances.filter(isKind)
  const totals = ledger.totals.filter(isKind)
  const imbalance = kind === undefined ? ledger.imbalance : totals.reduce((sum, total) => sum + total.imbalance, 0)
  const since = kind === undefined ? ledger.since : imbalances.map((one) => one.since).toSorted()[0]
  return {
    ...rest,
    balanced: imbalance === 0 && (kind === undefined ? ledger.balanced : ledger.overdue !== true),
    imbalance,
    ...(since !== undefined && { since }),
    ...(tenant !== undefined && !accounts.some(isTenant) && { uncounted: whyUncounted(ledger, tenant) }),
    totals,
    accounts: accounts.filter(isBoth),
    parked: parked.filter(isBoth),
    discarded: discarded.filter(isBoth),
    imbalances,
  }
}

function whyUncounted({ accounts }: Ledger, tenant: string): string {
  return accounts.some((account) => account.tenant === OTHER)
    ? `${tenant} is not counted by itself: the names of other tenants came first, and it is among ${OTHER}, if anything was accepted of it`
    : `nothing was accepted of ${tenant}`
}
