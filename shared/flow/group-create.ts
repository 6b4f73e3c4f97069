import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Body, Json } from '../events.ts'
import {
  completedByOf,
  type GroupState,
  IDS_BYTES_MAX,
  keyBytes,
  onTimeoutOf,
  PAYLOAD_BYTES_MAX,
} from './group-state.ts'
import { findTooMuch, sizeOf } from './value-size.ts'

/** Opening a group, and telling a repeated Create from another one with the same id. */

type Create = Body<'EventGroupCollectorCreate'>

const TTL_S_DEFAULT = 30

/** What the end of an object is made of. */
const owner = z.object({
  tenant: z.string().min(1).max(64),
  createdAt: z.iso.datetime({ offset: true }),
})

/** A group as its Create asks for it, or the reason why there cannot be such a group. */
export function openGroup(create: Create, nowMs: number): GroupState | { readonly fault: string } {
  const terms = termsOf(create)
  const fault = findFault(create, terms)
  if (fault) return { fault }
  const object = create.completedBy === 'tasks' ? owner.safeParse(create.payload) : undefined
  if (object && !object.success) return { fault: faultOfOwner(object.error) }
  return {
    id: create.id,
    createdMs: nowMs,
    dueMs: nowMs + Math.max(1, Math.round(terms.ttl * 1_000)),
    ttlS: terms.ttl,
    expected: terms.expected,
    quorum: terms.quorum,
    partial: terms.onTimeout === 'partial',
    object: object && { tenant: object.data.tenant, createdMs: Date.parse(object.data.createdAt) },
    payload: create.payload,
    onsuccess: create.handler?.onsuccess,
    onfailure: create.handler?.onfailure,
    heard: [],
    resultsBytes: 0,
  }
}

/** A Create with its defaults filled in. */
function termsOf({ expected, ttl, quorum, onTimeout = 'fail', completedBy = 'done' }: Create) {
  const distinct = [...new Set(expected)]
  return {
    ttl: ttl !== undefined && ttl > 0 ? ttl : TTL_S_DEFAULT,
    quorum: quorum ?? distinct.length,
    onTimeout,
    completedBy,
    expected: distinct,
  }
}

function findFault(create: Create, { expected, quorum }: ReturnType<typeof termsOf>): string | undefined {
  if (quorum > expected.length)
    return `quorum: ${quorum} results cannot come of ${expected.length} expected members; ask for 1 to as many as are expected`
  const idsBytes = expected.reduce((bytes, id) => bytes + keyBytes(id), 0)
  if (idsBytes > IDS_BYTES_MAX)
    return `expected: ${idsBytes} bytes of ids, at most ${IDS_BYTES_MAX} are kept; use shorter ids, or several groups`
  return create.payload === undefined
    ? undefined
    : findTooMuch('payload', sizeOf(create.payload), { bytesMax: PAYLOAD_BYTES_MAX })
}

const faultOfOwner = (error: z.ZodError) =>
  `${error.issues.map(({ path, message }) => `${['payload', ...path].join('.')}: ${message}`).join('; ')}; a group completed by tasks needs tenant and createdAt of its object`

/** How a Create differs from the one that opened the group, naming the fields; undefined when it is the same again. */
export function differenceFrom(state: GroupState, create: Create): string | undefined {
  const terms = termsOf(create)
  const differences = [
    memberDifference(state.expected, terms.expected),
    difference('ttl', state.ttlS, terms.ttl),
    difference('quorum', quorumIn(state), quorumIn(terms)),
    difference('onTimeout', onTimeoutOf(state), terms.onTimeout),
    difference('completedBy', completedByOf(state), terms.completedBy),
    difference('payload', state.payload, create.payload),
    difference('handler.onsuccess', state.onsuccess, create.handler?.onsuccess),
    difference('handler.onfailure', state.onfailure, create.handler?.onfailure),
  ].filter((found) => found !== undefined)
  if (differences.length === 0) return undefined
  return `a group with this id was opened with another Create, which stands: ${differences.join('; ')}. Use another id for another group.`
}

/** Values and ids are cut to so much in a reason: it travels in a header. */
const VALUE_CHARS_MAX = 60
const IDS_NAMED_MAX = 3

function difference(field: string, first: Json | undefined, second: Json | undefined): string | undefined {
  if (isDeepStrictEqual(plain(first), plain(second))) return undefined
  return `${field} was ${short(first)}, now ${short(second)}`
}

/** As it comes back out of the store: -0 is 0 there. */
const plain = (value: Json | undefined): unknown => (value === undefined ? value : JSON.parse(JSON.stringify(value)))

/** All of the members is the same as none asked for. */
const quorumIn = ({ quorum, expected }: Pick<GroupState, 'quorum' | 'expected'>) =>
  quorum === expected.length ? 'all' : quorum

const short = (value: Json | undefined) => (value === undefined ? 'missing' : cut(JSON.stringify(value)))
const cut = (text: string) => (text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX)}...` : text)

function memberDifference(first: readonly string[], second: readonly string[]): string | undefined {
  const gone = without(first, second)
  const added = without(second, first)
  if (gone.length + added.length === 0) return undefined
  return `expected now ${[...named('lacks', gone), ...named('has', added)].join(' and ')}`
}

function without(ids: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others)
  return ids.filter((id) => !known.has(id))
}

function named(verb: string, ids: readonly string[]): string[] {
  if (ids.length === 0) return []
  const more = ids.length > IDS_NAMED_MAX ? ` and ${ids.length - IDS_NAMED_MAX} more` : ''
  return [`${verb} ${ids.slice(0, IDS_NAMED_MAX).map(cut).join(', ')}${more}`]
}
