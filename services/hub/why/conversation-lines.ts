import type { View } from '../conversation-view.ts'
import { cut, type Line, type Link } from './answer.ts'

/** The history of a conversation as lines of a timeline. */
export const linesOfHistory = ({ history }: View): Line[] =>
  history.map(({ at, what, detail }) => ({
    atMs: Date.parse(at),
    what,
    by: 'hub',
    ...(detail !== undefined && { detail: cut(detail) }),
  }))

/** Messages of its thread that are dead, set aside or on their way back. */
export const heldLinks = ({ held }: View): Link[] =>
  held.map(({ id, where, rule, state, type }) => ({
    kind: 'message',
    id,
    state: state === 'held' || state === 'chosen' ? (rule === undefined ? 'dead' : 'parked') : state,
    why: `${type ?? 'a message'} in ${where}`,
  }))
