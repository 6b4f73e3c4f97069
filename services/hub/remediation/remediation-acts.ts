import type { Body } from '../../../shared/events.ts'
import type { Actor } from '../../../shared/flow/kernel.ts'
import type { Operations } from '../operations.ts'
import { type Item, notNow, seenBy } from './remediation-item.ts'

type Command = Body<'REMEDIATION_COMMAND'>
type Acting = Pick<Operations, 'store' | 'clock' | 'tell'>

/** Has somebody decide what becomes of a journey; gives it as it is then. Throws HttpProblem 404, or 409 with the reason. */
export async function decide(acting: Acting, command: Omit<Command, 'type' | 'job'>): Promise<Item> {
  const { sagaId } = command
  await seenBy(acting, sagaId)
  const { refused } = await acting.tell({ type: 'REMEDIATION_COMMAND', ...command })
  const found = await seenBy(acting, sagaId)
  if (refused !== undefined) throw notNow(found, refused)
  return found.item
}

/** Notes where people deal with a journey, or with an empty text that they do not; when it has ended, too. Throws HttpProblem 404. */
export async function noteTicket(
  acting: Acting,
  { sagaId, ticket, ...by }: Actor & { readonly sagaId: string; readonly ticket: string },
): Promise<Item> {
  await seenBy(acting, sagaId)
  const { refused } = await acting.tell({ type: 'REMEDIATION_TICKET', sagaId, ticket, ...by })
  const found = await seenBy(acting, sagaId)
  if (refused !== undefined) throw notNow(found, refused)
  return found.item
}
