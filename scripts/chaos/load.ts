import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bus } from './bus.ts'
import { type Attempt, type Insistence, post } from './insistence.ts'
import { JOURNEY_TYPE } from './settings.ts'
import type { Site } from './site.ts'
import type { Kind } from './witness.ts'

const tenants = ['acme', 'globex', 'initech'] as const
const tenantOf = (turn: number) => tenants[turn % tenants.length] ?? 'acme'

/** Requests of one kind that nobody has answered yet: more would only be a pile that falls on the system when it is back. */
const UNANSWERED_MAX = 40

const MEMBERS = 3
/** Longer than anybody waits for quiet: a member that is lost is then a group without an end. */
const GROUP_TTL_S = 900
/** Every so many groups one member never comes, and the group ends by its ttl. */
const FORGETFUL_EVERY = 10
const SHORT_TTL_S = 5

type StartableKind = Exclude<Kind, 'task'>

/** What is started how often: a load that two cores carry with ease, and every process holds work at any moment. */
const everyMs: Readonly<Record<StartableKind, number>> = { object: 100, group: 400, flow: 500, journey: 1_000 }

/** Users of every kind, who do not stop asking until they are answered. */
export type Load = {
  /** Ids of what was accepted, by kind. */
  readonly accepted: ReadonlyMap<StartableKind, ReadonlySet<string>>
  readonly attempt: Attempt
  /** Starts nothing more and resolves when all that was asked for is accepted, or the signal says that nobody waits any longer. */
  stop(signal: AbortSignal): Promise<void>
}

export function startLoad(site: Site, bus: Bus, insist: Insistence): Load {
  const accepted = new Map<StartableKind, Set<string>>()
  const pending = new Set<Promise<void>>()
  const ending = new AbortController()
  const start: Readonly<Record<StartableKind, (turn: number) => Promise<string>>> = {
    object: (turn) =>
      insist.until(post(`${site.urlOf('datagen')}/api/objects`, { tenant: tenantOf(turn) }, randomUUID()), 'id'),
    flow: (turn) => {
      const flowId = `chaos-flow-${turn}`
      const mode = turn % 2 === 0 ? 'parallel' : 'sequential'
      return insist.until(post(`${site.urlOf('gateway')}/api/flows`, { flowId, length: 2, mode }, flowId), 'id')
    },
    journey: (turn) => {
      const request = { type: JOURNEY_TYPE, key: `chaos-${turn}`, tenant: tenantOf(turn), payload: goods(turn) }
      return insist.until(post(`${site.urlOf('gateway')}/api/journeys`, request), 'id')
    },
    group: (turn) => publishGroup(bus, turn),
  }
  const source = async (kind: StartableKind) => {
    const ids = new Set<string>()
    accepted.set(kind, ids)
    let unanswered = 0
    for (let turn = 0; !ending.signal.aborted; turn++) {
      if (unanswered < UNANSWERED_MAX) {
        unanswered++
        const one: Promise<void> = start[kind](turn)
          .then((id) => void ids.add(id))
          // Nobody waits any longer: it was never accepted, and does not count.
          .catch(() => undefined)
          .finally(() => {
            unanswered--
            pending.delete(one)
          })
        pending.add(one)
      }
      await sleep(everyMs[kind], undefined, { signal: ending.signal }).catch(() => undefined)
    }
  }
  const sources = (['object', 'group', 'flow', 'journey'] as const).map(source)
  return {
    accepted,
    attempt: insist,
    async stop(signal) {
      ending.abort()
      const givenUp = new Promise<void>((resolve) => {
        if (signal.aborted) resolve()
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
      await Promise.race([givenUp, Promise.all(sources).then(() => Promise.all(pending))])
    },
  }
}

const GROUP = 'chaos-group-'
const isForgetful = (turn: number) => turn % FORGETFUL_EVERY === FORGETFUL_EVERY - 1

/** How a group has to end: only one that waits for a member who never comes may fail, and must. */
export const hasToFail = (groupId: string): boolean => isForgetful(Number(groupId.slice(GROUP.length)))

const goods = (turn: number) => ({
  items: [{ sku: 'tea', quantity: 2 }],
  card: '4242',
  address: 'Main St 1',
  email: 'ada@example.com',
  ...(turn % 2 === 0 && { express: true }),
})

/** What a journey that went well has done in the shop, in cents. */
export const CHARGED_CENTS = 1_300

/** A group of a stranger's, its members in turn before and behind it. */
async function publishGroup(bus: Bus, turn: number): Promise<string> {
  const id = `${GROUP}${turn}`
  const members = Array.from({ length: MEMBERS }, (_, n) => `m${n}`)
  const forgets = isForgetful(turn)
  const create = {
    ...{ type: 'EventGroupCollectorCreate', id, expected: members },
    ttl: forgets ? SHORT_TTL_S : GROUP_TTL_S,
  }
  const done = (member: string) => ({ type: 'EventGroupCollectorEntityDone', id: member, group: id, result: turn })
  const bodies = [create, ...members.slice(forgets ? 1 : 0).map(done)]
  const ordered = turn % 2 === 0 ? bodies : bodies.toReversed()
  for (const body of ordered) await bus.publish('eventbus-collector', `${id}-${body.id}`, body)
  return id
}
