import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { type Outage, otherOf, type Sites } from './failover-election.ts'
import type { FailoverSite } from './failover-site.ts'
import { ignoreAway } from './failover-transaction.ts'
import { UnusableDatabaseError } from './migrations.ts'
import type { Lead } from './movable-store.ts'

type OpeningOptions = { readonly out?: Outage; readonly log: Pick<Logger, 'warn'> }

/** Opens two stores as often as is asked for, and tells of each why it cannot be used, once. */
export class SitesOpening {
  readonly #sites: Sites
  readonly #options: OpeningOptions
  readonly #told = new Map<string, string>()

  constructor(sites: Sites, options: OpeningOptions) {
    this.#sites = sites
    this.#options = options
  }

  /** Rejects with StoreUnavailableError when a new pair cannot be written. */
  async open(): Promise<void> {
    await openSites(this.#sites, this.#options.out)
    for (const { name, isUp, why } of [this.#sites.primary, this.#sites.secondary]) {
      const text = !isUp && why instanceof Error ? why.message : ''
      if (text !== '' && text !== this.#told.get(name))
        this.#options.log.warn({ store: name, err: why }, `the ${name} store cannot be used`)
      this.#told.set(name, text)
    }
  }

  /** What only a person can put right, and is no outage: a file that is not ours, or too new. */
  mistake(): UnusableDatabaseError | undefined {
    const whys = [this.#sites.primary.why, this.#sites.secondary.why]
    return whys.find((why) => why instanceof UnusableDatabaseError)
  }
}

/**
 * Opens what can be opened of a pair, and says which of the two may be used. A file is made only for a pair that never was together: an
 * empty one in the place of one that is away would know of nothing. `out` is a person's word: an empty store of that name is a new one,
 * in the place of one that is lost for good. Rejects with StoreUnavailableError when a new pair cannot be written.
 */
async function openSites(sites: Sites, out: Outage): Promise<void> {
  const both = [sites.primary, sites.secondary]
  await Promise.all(both.map((site) => site.open()))
  for (const site of both) if (mayMake(site, otherOf(sites, site))) await site.open(true)
  if (both.every((site) => site.isUp)) return
  const [open, ...more] = both.filter((site) => site.isOpen)
  if (open && more.length > 0) await trustBoth(sites, out)
  else if (open) trustAlone(open, otherOf(sites, open), out)
}

function mayMake(site: FailoverSite, other: FailoverSite): boolean {
  if (site.isThere || site.wasThere) return false
  if (!other.isThere) return !other.wasThere
  return other.isOpen && isFresh(other.lead())
}

const isFresh = ({ epoch, pair }: Lead) => epoch === 0 && pair === null

/** The other one may know more than it: only one that was of a pair knows whether it led. */
function trustAlone(site: FailoverSite, other: FailoverSite, out: Outage): void {
  if (site.lead().pair !== null || other.name === out) site.trust()
  else site.distrust(`It was never together with the ${other.name} store ${other.path}: both must be there once.`)
}

async function trustBoth(sites: Sites, out: Outage): Promise<void> {
  const { primary, secondary } = sites
  const stranger = strangerOf(sites)
  if (stranger) return takeIn(stranger, otherOf(sites, stranger), out)
  // The primary first: a secondary that has an id says that the primary had it.
  const pair = await idOf(primary, randomUUID())
  await idOf(secondary, pair)
  for (const site of [primary, secondary]) site.trust()
}

/** The id of its pair, which it is given unless it has one. What has one need not be writable. */
async function idOf(site: FailoverSite, given: string): Promise<string> {
  const { pair } = site.lead()
  return pair ?? (await site.changeLead((lead) => ({ ...lead, pair: lead.pair ?? given }))).pair ?? given
}

/** Only an empty store takes the place of another one, and only at a person's word. */
async function takeIn(stranger: FailoverSite, known: FailoverSite, out: Outage): Promise<void> {
  known.trust()
  stranger.distrust(
    `${stranger.path} is not the store that belongs to ${known.path}: bring that one back. If it is lost for good, start once with ` +
      `EBS_HUB_STORE_OUT=${stranger.name} and an empty file there: it takes its place.`,
  )
  if (stranger.name !== out || stranger.lead().epoch > 0) return
  try {
    const pair = await idOf(known, randomUUID())
    await stranger.changeLead((lead) => ({ ...lead, pair }))
    stranger.trust()
  } catch (error) {
    ignoreAway(error)
  }
}

/** The one of the two that does not belong to the other; undefined when both do, or are new. */
function strangerOf({ primary, secondary }: Sites): FailoverSite | undefined {
  const [ofPrimary, ofSecondary] = [primary.lead(), secondary.lead()]
  const older = ofPrimary.epoch < ofSecondary.epoch ? primary : secondary
  if (ofPrimary.pair === ofSecondary.pair)
    return ofPrimary.pair !== null || ofPrimary.epoch > 0 === ofSecondary.epoch > 0 ? undefined : older
  // It was made, and this process or another one died before both had the id.
  if (ofSecondary.pair === null && ofPrimary.epoch === 0 && ofSecondary.epoch === 0) return undefined
  if (ofPrimary.pair === null) return primary
  if (ofSecondary.pair === null) return secondary
  if (primary.isTrusted !== secondary.isTrusted) return primary.isTrusted ? secondary : primary
  return older
}
