import type { Held } from '../../../shared/store/held-messages.ts'
import type { Standing, Tale } from './answer.ts'
import { type Facts, heldAbout, isLying } from './facts.ts'
import { linesOfHeld, standingOfHeld } from './held-standing.ts'
import { standingOfMark } from './mark-standing.ts'
import { standingInQueue } from './queue-standing.ts'

/** Where whatever begins a conversation goes. */
export const HUB_QUEUE = 'hub_consume'

/** What a message is about, by how its type begins. */
const kinds = [
  ['FLOW_', 'flow'],
  ['EventGroupCollector', 'group'],
  ['INITIATE_', 'journey'],
  ['ACTIVITY_', 'journey'],
  ['JOURNEY_', 'journey'],
] as const

type CarriedKind = (typeof kinds)[number][1]

/** Groups, flows and journeys that the hub does not hold: what begins them is still on its way, or they are forgotten. */
export function carriedTales(facts: Facts): readonly Tale[] {
  const { id, statistics, conversations } = facts
  const about = heldAbout(facts, id).filter(({ subject }) => subject === id)
  const entries = statistics?.entries ?? []
  const heldKind = kindOf(about[0])
  const carried: readonly Carried[] = [
    ...entries.map((entry) => ({ kind: entry.kind, entry })),
    ...(heldKind === undefined || conversations.length > 0 || entries.some(({ kind }) => kind === heldKind)
      ? []
      : [{ kind: heldKind, entry: undefined }]),
  ]
  return (
    carried
      .filter(({ kind }) => conversations.every((one) => one.kind !== kind))
      // What is over is the least of interest.
      .toSorted((a, b) => Number(a.entry?.outcome !== undefined) - Number(b.entry?.outcome !== undefined))
      .map((one) =>
        carriedTale(one, facts, carried.length === 1 ? about : about.filter((held) => kindOf(held) === one.kind)),
      )
  )
}

type Carried = { readonly kind: CarriedKind; readonly entry: Entry | undefined }

function carriedTale({ kind, entry }: Carried, facts: Facts, about: readonly Held[]): Tale {
  const { id } = facts
  const { says, ...standing } = standingOf(facts, entry, about)
  return {
    kind,
    ...standing,
    summary: `The ${kind} ${id} ${says}.`,
    lines: [
      ...(entry?.acceptedAt === undefined
        ? []
        : [{ atMs: Date.parse(entry.acceptedAt), what: `the ${kind} was asked for` }]),
      ...linesOfHeld(about),
    ],
    related: about.map(({ id: held, state, place }) => ({ kind: 'message', id: held, state, why: `in ${place}` })),
    ...(entry?.outcome !== undefined && {
      expired: [
        `the hub has forgotten the ${kind}: ended ones are kept for EBS_HUB_KEEP_HOURS (failed ones for EBS_HUB_KEEP_FAILED_HOURS)`,
      ],
    }),
  }
}

type Entry = NonNullable<NonNullable<Facts['statistics']>['entries']>[number]

function standingOf(facts: Facts, entry: Entry | undefined, about: readonly Held[]): Standing {
  if (entry?.outcome === 'done') return { state: 'completed', says: 'is over, and went well', commands: [] }
  if (entry?.outcome === 'failed') return { state: 'failed', says: 'is over, and went badly', commands: [] }
  const lying = about.find(isLying)
  if (lying) return begunBy(standingOfHeld(lying, facts), lying.type)
  const marked = entry?.mark && standingOfMark(entry.mark, HUB_QUEUE, facts)
  if (marked) return begunBy(marked, null)
  const [newest] = about
  return newest && !entry
    ? begunBy(standingOfHeld(newest, facts), newest.type)
    : begunBy(standingInQueue(HUB_QUEUE, facts), null)
}

const begunBy = (standing: Standing, type: string | null): Standing => ({
  ...standing,
  says: `has not begun: ${type ?? 'what begins it'} ${standing.says}`,
})

const kindOf = (held: Held | undefined): CarriedKind | undefined =>
  kinds.find(([begin]) => held?.type?.startsWith(begin))?.[1]
