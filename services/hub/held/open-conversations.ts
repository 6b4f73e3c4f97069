import { z } from 'zod'
import { recordIn } from '../../../shared/flow/sideline-record.ts'
import type { Conversation } from '../../../shared/store/conversations.ts'
import type { HubStore } from '../../../shared/store/hub-store.ts'
import { parkingQueueOf } from '../../../shared/topology.ts'

type Reader = Pick<HubStore['reader'], 'listConversations'>

const PAGE = 100
const job = z.object({ sources: z.array(z.object({ from: z.string() })) })

/** Parking queues of the rules that are not over, whether the catalogue knows of messages there or not. */
export async function openParking(reader: Reader): Promise<readonly string[]> {
  const rules = (await openOnes(reader, 'sideline')).map(({ state }) => recordIn(state))
  return rules.flatMap(({ id, queues }) => queues.map((queue) => parkingQueueOf(id, queue)))
}

/** Places that jobs take messages from which are not over: those that have stopped and wait for a person among them. */
export async function placesOfJobs(reader: Reader): Promise<ReadonlySet<string>> {
  const jobs = (await openOnes(reader, 'replay')).map(({ state }) => job.parse(JSON.parse(state)))
  return new Set(jobs.flatMap(({ sources }) => sources.map(({ from }) => from)))
}

async function openOnes(reader: Reader, kind: string): Promise<readonly Conversation[]> {
  const found: Conversation[] = []
  let cursor: string | undefined
  do {
    const page = await reader.listConversations({ kind, isOpen: true }, { limit: PAGE, cursor })
    found.push(...page.items)
    cursor = page.next
  } while (cursor !== undefined)
  return found
}
