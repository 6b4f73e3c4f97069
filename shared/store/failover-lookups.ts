import type { AuditReader } from './audit.ts'
import type { DefinitionReader } from './definitions.ts'
import type { Sites } from './failover-election.ts'
import { consult } from './failover-moves.ts'
import { mergedPage } from './failover-pages.ts'
import type { Pair } from './failover-pair.ts'
import { ignoreAway } from './failover-transaction.ts'
import type { HeldReader } from './held-messages.ts'
import { StoreUnavailableError } from './store.ts'

/** The catalogue of the store that leads: queues are the truth, and what it lacks is found in them. */
export const failoverHeld = (pair: () => Pair): HeldReader => ({
  findHeld: async (id) => pair().leader.read(({ held }) => held.findHeld(id)),
  findContent: async (id) => pair().leader.read(({ held }) => held.findContent(id)),
  listHeld: async (filter, page) => pair().leader.read(({ held }) => held.listHeld(filter, page)),
  listGroups: async (filter, page) => pair().leader.read(({ held }) => held.listGroups(filter, page)),
  countByPlace: async () => pair().leader.read(({ held }) => held.countByPlace()),
  heldOf: async (correlationId, limit) => pair().leader.read(({ held }) => held.heldOf(correlationId, limit)),
  heldAbout: async (id, limit) => pair().leader.read(({ held }) => held.heldAbout(id, limit)),
  countOfJob: async (job) => pair().leader.read(({ held }) => held.countOfJob(job)),
})

/** Definitions are in both stores. */
export const failoverDefinitions = (pair: () => Pair): DefinitionReader => ({
  list: async (filter, page) => pair().leader.read(({ definitions }) => definitions.list(filter, page)),
  find: async (type, version) => pair().leader.read(({ definitions }) => definitions.find(type, version)),
})

/** Entries stay in the store that led when they were made. One that is out of reach is left out: what was done since must be shown. */
export const failoverAudit = (sites: () => Sites): AuditReader => ({
  list: async (filter, request) => {
    const list = async () => {
      const { primary, secondary } = sites()
      const parts = [primary, secondary]
        .filter(({ isUp }) => isUp)
        .map((site) => ({
          page: (page: typeof request) => consult(site, ({ audit }) => audit.list(filter, page)),
          isShown: async () => true,
        }))
      if (parts.length === 0) throw new StoreUnavailableError('No store can be read.')
      return mergedPage(parts, request, (a, b) => b.atMs - a.atMs)
    }
    return list().catch((error: unknown) => {
      // Whichever failed is known to be out of reach now.
      ignoreAway(error)
      return list()
    })
  },
})
