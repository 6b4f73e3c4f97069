import { setTimeout as pause } from 'node:timers/promises'
import type { Broker } from '../../shared/bus/broker.ts'
import { toMessage } from '../../shared/bus/envelope.ts'
import { newId } from '../../shared/bus/ids.ts'
import { type Api, ApiError, AwayError } from '../cli/api.ts'
import { itemSchema } from '../cli/listing.ts'

/** A hub that is further behind is copied as it is; the backup says so. */
export const MARK_MS_MAX = 60_000
const LOOK_AGAIN_MS = 50

/**
 * Opens a group of nobody, which ends at once, behind everything that was accepted until now, and waits until the hub has ended it: the hub
 * has then handled what was before it. Gives its id, and whether that has happened.
 */
export async function setMark(
  broker: Broker,
  hub: Api,
  withinMs = MARK_MS_MAX,
): Promise<{ group: string; isReached: boolean }> {
  const nowMs = Date.now()
  const id = newId(nowMs)
  const group = `backup-${id}`
  await broker.publish(
    toMessage(
      { type: 'EventGroupCollectorCreate', id: group, expected: [] },
      { id, service: 'ebs-backup', correlationId: group, atMs: nowMs },
    ),
  )
  for (const endMs = nowMs + withinMs; Date.now() < endMs; await pause(LOOK_AGAIN_MS))
    if (await isKnown(hub, group)) return { group, isReached: true }
  return { group, isReached: false }
}

async function isKnown(hub: Api, group: string): Promise<boolean> {
  try {
    await hub.get(`/api/groups/${group}`, itemSchema)
    return true
  } catch (error) {
    if (error instanceof ApiError || error instanceof AwayError) return false
    throw error
  }
}
