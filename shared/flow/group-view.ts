import type { Json } from '../events.ts'
import { completedByOf, type GroupState, type Heard, missingOf, onTimeoutOf } from './group-state.ts'

/** Members are listed up to so many bytes: with ids, payload and history the whole must be fit to be sent. */
const MEMBERS_BYTES_MAX = 262_144

/** What is shown of a group, besides what is shown of every conversation. Times are ISO 8601, `ttl` is in seconds. */
export function viewGroup(state: GroupState): Readonly<Record<string, unknown>> {
  const { members, left } = membersOf(state)
  return {
    created: iso(state.createdMs),
    due: iso(state.dueMs),
    ttl: state.ttlS,
    quorum: state.quorum,
    onTimeout: onTimeoutOf(state),
    completedBy: completedByOf(state),
    ...(state.payload !== undefined && { payload: state.payload }),
    members,
    ...(left > 0 && { membersLeftOut: left }),
    missing: missingOf(state),
    ...(state.end && endOf(state.end)),
  }
}

const iso = (ms: number) => new Date(ms).toISOString()

const endOf = ({ atMs, by, entity, error }: NonNullable<GroupState['end']>) => ({
  resolved: iso(atMs),
  endedBy: by,
  ...(entity !== undefined && { entity, error }),
})

type Member = {
  readonly id: string
  readonly status: 'waiting' | 'done' | 'failed'
  readonly at?: string
  readonly by?: string
  readonly result?: Json
  readonly error?: Json
}

function membersOf({ expected, heard }: GroupState): { readonly members: Member[]; readonly left: number } {
  const heardOf = new Map(heard.map((member) => [member.id, member]))
  const members: Member[] = []
  let bytes = 0
  for (const id of expected) {
    const member = memberOf(id, heardOf.get(id))
    bytes += Buffer.byteLength(JSON.stringify(member)) + 1
    if (bytes > MEMBERS_BYTES_MAX) break
    members.push(member)
  }
  return { members, left: expected.length - members.length }
}

function memberOf(id: string, heard: Heard | undefined): Member {
  if (!heard) return { id, status: 'waiting' }
  const by = heard.by === undefined ? {} : { by: heard.by }
  if (heard.error !== undefined) return { id, status: 'failed', at: iso(heard.atMs), ...by, error: heard.error }
  return { id, status: 'done', at: iso(heard.atMs), ...by, result: heard.result ?? null }
}
