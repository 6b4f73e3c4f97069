import type { DefinitionReader } from './definitions.ts'
import type { Pair } from './failover-pair.ts'
import type { HeldReader } from './held-messages.ts'

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
