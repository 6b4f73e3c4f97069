import { copyDefinitions, moveOutbox, reconcile } from './failover-drain.ts'
import type { FailoverSite } from './failover-site.ts'
import { ignoreAway } from './failover-transaction.ts'
import type { Lead, MovableTransaction } from './movable-store.ts'
import { StoreBusyError, StoreUnavailableError } from './store.ts'

export type Sites = { readonly primary: FailoverSite; readonly secondary: FailoverSite }
/** A store that is not to lead, by configuration: it is going to be away. */
export type Outage = 'primary' | 'secondary' | undefined
/** A store that leads, as this process knows it. */
export type Led = { readonly site: FailoverSite; readonly lead: Lead }

/** Another process, or this one, has given the lead to the other store: nothing was done; look who leads and do it there. */
export class LeadLostError extends StoreUnavailableError {}

export const otherOf = ({ primary, secondary }: Sites, site: FailoverSite) => (site === primary ? secondary : primary)

const SECONDARY_UNKNOWN =
  'The secondary store cannot be read, and may have been in use while the primary was away: bring it back, or set EBS_HUB_STORE_OUT=secondary to go on without it.'

/** Has a store know that the other one leads, since this epoch. Rejects with LeadLostError when it has been given the lead since. */
export const demote = (site: FailoverSite, epoch: number): Promise<void> =>
  site.write(({ moving }) => {
    const lead = moving.lead()
    if (lead.leads && lead.epoch > epoch) throw passed(site)
    moving.setLead({ ...lead, epoch, leads: false })
  })

const passed = ({ name }: FailoverSite) => new LeadLostError(`The ${name} store has been given the lead meanwhile.`)

/** What is only busy is not away: whoever holds it may be changing what another store would be asked for. */
export function ignoreAwayNotBusy(error: unknown): void {
  ignoreAway(error)
  if (error instanceof StoreBusyError || error instanceof LeadLostError) throw error
}

/** A job on the store that leads. Rejects with LeadLostError when it does not lead any more: then nothing was done. */
export function writeAs<T>(
  sites: Sites,
  { site, lead }: Led,
  job: (tx: MovableTransaction, lead: Lead) => T | Promise<T>,
): Promise<T> {
  return site.write((tx) => {
    const now = tx.moving.lead()
    const other = otherOf(sites, site)
    const isPassed = other.isUp && highest(other)?.epoch !== undefined && (highest(other)?.epoch ?? 0) > now.epoch
    if (!now.leads || now.epoch !== lead.epoch || isPassed)
      throw new LeadLostError(`The ${site.name} store does not lead any more; the other one does.`)
    return job(tx, now)
  })
}

/** The lead that a store claims; undefined when it claims none, or cannot be read. */
function highest(site: FailoverSite): Lead | undefined {
  try {
    const lead = site.read(({ moving }) => moving.lead())
    return lead.leads ? lead : undefined
  } catch (error) {
    ignoreAwayNotBusy(error)
    return undefined
  }
}

export type Election = {
  /** What this process is told by its configuration, once; after that counts what the store that leads was told last. */
  readonly said: { readonly out: Outage } | undefined
  readonly known: Led | undefined
  readonly failed: FailoverSite | undefined
  readonly nowMs: number
}

/**
 * Says which store leads, and has one take the lead when none does, or the one that does has failed. `known` is what this process followed
 * until now. Throws StoreUnavailableError when none can.
 */
export async function elect(sites: Sites, { said, known, failed, nowMs }: Election): Promise<Led> {
  const { primary, secondary } = sites
  for (const { isOpen, why } of [primary, secondary]) if (!isOpen && why instanceof StoreBusyError) throw why
  const [ofPrimary, ofSecondary] = [highest(primary), highest(secondary)]
  const current = (ofSecondary?.epoch ?? 0) > (ofPrimary?.epoch ?? 0) ? secondary : ofPrimary ? primary : undefined
  const lead = current === primary ? ofPrimary : ofSecondary
  const out = said ? said.out : ((lead ?? known?.lead)?.out ?? undefined)
  if (current && lead && current !== failed && current.name !== out) {
    // A secondary that cannot be read may have led since: only who was there all the time knows that it has not.
    const isSure = secondary.isUp || out === 'secondary' || (known?.site === primary && known.lead.epoch === lead.epoch)
    if (current === secondary || isSure) return told(sites, { site: current, lead }, out)
    throw new StoreUnavailableError(SECONDARY_UNKNOWN)
  }
  const whys = [primary, secondary].flatMap(({ why }) => (why instanceof Error ? [why.message] : []))
  let reason: unknown = new StoreUnavailableError(
    ['Neither the primary nor the secondary store can be used.', ...whys].join(' '),
  )
  for (const site of [primary, secondary]) {
    if (site === failed || site.name === out || !site.isUp) continue
    try {
      return await takeLead(sites, site, { nowMs, out })
    } catch (error) {
      ignoreAwayNotBusy(error)
      reason = error
    }
  }
  throw reason
}

/** Notes in the store that leads which one is out, for processes that were told something else before. */
async function told(sites: Sites, led: Led, out: Outage): Promise<Led> {
  if ((led.lead.out ?? undefined) === out) return led
  const lead = { ...led.lead, out: out ?? null }
  const noting = writeAs(sites, led, ({ moving }, now) => moving.setLead({ ...now, out: lead.out }))
  await noting.catch(ignoreAwayNotBusy)
  return { ...led, lead }
}

async function takeLead(
  sites: Sites,
  site: FailoverSite,
  { nowMs, out }: { nowMs: number; out: Outage },
): Promise<Led> {
  const from = otherOf(sites, site)
  const theirs = from.isUp ? from.read(({ moving }) => moving.lead()) : undefined
  // It may have missed what the secondary knows. Unless somebody has said that nothing is lost: OUT=secondary.
  if (site === sites.primary && theirs) await reconcile(site, from)
  else if (site === sites.primary && out !== 'secondary') throw new StoreUnavailableError(SECONDARY_UNKNOWN)
  const own = site.read(({ moving }) => moving.lead())
  const epoch = Math.max(own.epoch, theirs?.epoch ?? 0) + 1
  const lead = { ...own, epoch, leads: true, atMs: nowMs, isDrained: false, out: out ?? null }
  // Where it can be: a crash in between leaves none in the lead, and the next look finds one.
  if (from.isUp) await demote(from, epoch).catch(ignoreAwayNotBusy)
  await site.write(({ moving }) => moving.setLead(lead))
  const led = { site, lead }
  await takeOver(sites, led)
  return led
}

/** What cannot wait until it is moved: what is to be sent goes out before anything newer, and journeys need their definitions. */
export async function takeOver(sites: Sites, led: Led): Promise<void> {
  const from = otherOf(sites, led.site)
  if (!from.isUp) return
  const write = <T>(job: (tx: MovableTransaction) => T | Promise<T>) => writeAs(sites, led, job)
  const source = { site: from, fence: 'none' } as const
  await moveOutbox({ source, write })
  await copyDefinitions({ source, write })
}

/**
 * Gives the lead back to the primary, once nothing in it is older than what the secondary has. Rejects with StoreUnavailableError when
 * either fails: then the secondary goes on.
 */
export async function giveBack(sites: Sites, led: Led, nowMs: number): Promise<Led> {
  const { primary, secondary } = sites
  await primary.write(({ moving }) => {
    const before = moving.lead()
    // Another process was quicker, and the primary may have been in use since.
    if (before.leads && before.epoch > led.lead.epoch) throw passed(primary)
    moving.setLead({ ...before, leads: false })
  })
  const reached = await reconcile(primary, secondary)
  const epoch = led.lead.epoch + 1
  const lead = await writeAs(sites, led, async ({ moving }, now) => {
    if (now.out === 'primary') throw new LeadLostError('The primary store is out, as another process was told.')
    await reconcile(primary, secondary, reached)
    const next = { ...now, epoch, leads: true, atMs: nowMs, isDrained: false }
    await primary.write((tx) => tx.moving.setLead(next))
    moving.setLead({ ...now, epoch, leads: false })
    return next
  })
  const back = { site: primary, lead }
  await takeOver(sites, back)
  return back
}

/** Notes that the store that does not lead holds nothing that is not in the other one, so that it is not asked any more. */
export async function noteDrained(sites: Sites, led: Led): Promise<Led> {
  // Before nobody asks it any more: it must never lead by what it knew before.
  await demote(otherOf(sites, led.site), led.lead.epoch)
  const lead = await writeAs(sites, led, ({ moving }, now) => {
    const drained = { ...now, isDrained: true }
    moving.setLead(drained)
    return drained
  })
  return { ...led, lead }
}
