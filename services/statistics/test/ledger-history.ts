import type { Body } from '../../../shared/events.ts'
import type { Subject } from '../../../shared/subject.ts'

/** Events of the ledger's tests, in few words. */

type About = { readonly queue: string; readonly type: string; readonly subject: Subject }

const happened = ({ queue, subject }: About) => ({ queue, messageId: `m-${subject.id}`, reason: 'test', subject })

export const carrierOf = (kind: Subject['kind'], id: string): About => {
  const subject = { kind, id }
  if (kind === 'task') return { queue: 'process_consume', type: 'TASK_CREATED', subject }
  if (kind === 'object') return { queue: 'distributor_consume', type: 'OBJECT_CREATED', subject }
  const types = { group: 'EventGroupCollectorCreate', flow: 'FLOW_REQUESTED', journey: 'INITIATE_WORKFLOW' } as const
  return { queue: 'hub_consume', type: types[kind], subject }
}

export const parkedBy = (rule: string, about: About): Body<'MESSAGE_PARKED'> => ({
  ...{ type: 'MESSAGE_PARKED', ...happened(about), rule: `${rule}#1`, parkedType: about.type },
})
export const deadOf = (about: About): Body<'MESSAGE_DEAD'> => ({
  ...{ type: 'MESSAGE_DEAD', ...happened(about), deadType: about.type },
})
export const replayedOf = (about: About): Body<'MESSAGE_REPLAYED'> => ({
  ...{ type: 'MESSAGE_REPLAYED', ...happened(about), messageType: about.type },
})
export const failingOf = (about: About): Body<'MESSAGE_FAILING'> => ({
  ...{ type: 'MESSAGE_FAILING', ...happened(about), error: 'no', messageType: about.type },
})
export const discardedBy = (actor: string, { queue, type, subject }: About): Body<'MESSAGES_DISCARDED'> => ({
  ...{ type: 'MESSAGES_DISCARDED', queue, job: 'j', act: 'discard', actor, reason: 'test' },
  messages: [{ messageId: `m-${subject.id}`, type, held: 'h', subject }],
})
export const groupOf = (id: string, completedBy: 'done' | 'tasks' = 'done'): Body<'EventGroupCollectorCreate'> => ({
  ...{ type: 'EventGroupCollectorCreate', id, expected: ['a'], completedBy },
})
const ended = { created: '2024-01-01T00:00:00.000Z', resolved: '2024-01-01T00:00:01.000Z', results: {} }
export const groupDone = (id: string): Body<'EventGroupCollectorSuccess'> => ({
  ...{ type: 'EventGroupCollectorSuccess', id, ...ended, endedBy: 'all' },
})
export const groupFailed = (id: string): Body<'EventGroupCollectorFailure'> => ({
  ...{ type: 'EventGroupCollectorFailure', id, ...ended, endedBy: 'timeout', entity: id, error: 'late' },
})
const flow = { length: 1, mode: 'parallel' } as const
export const flowRequested = (flowId: string): Body<'FLOW_REQUESTED'> => ({ type: 'FLOW_REQUESTED', flowId, ...flow })
export const flowDone = (flowId: string): Body<'FLOW_SUCCEEDED'> => ({
  ...{ type: 'FLOW_SUCCEEDED', flowId, ...flow, durationMs: 1 },
})
const journey = { journeyType: 'order', definitionVersion: 1, tenant: 'acme' }
export const initiated = (
  sagaId: string,
  type: 'INITIATE_WORKFLOW' | 'INITIATE_JOURNEY' = 'INITIATE_WORKFLOW',
): Body<'INITIATE_WORKFLOW' | 'INITIATE_JOURNEY'> => ({
  ...{ type, sagaId, journeyType: 'order', formatVersion: 1, tenant: 'acme', payload: {}, meta: {} },
})
export const journeyStarted = (sagaId: string): Body<'JOURNEY_STARTED'> => ({
  ...{ type: 'JOURNEY_STARTED', sagaId, ...journey },
})
export const needsRemediation = (
  sagaId: string,
  cause: 'exhausted' | 'unknown-type' = 'exhausted',
): Body<'JOURNEY_NEEDS_REMEDIATION'> => ({
  ...{ type: 'JOURNEY_NEEDS_REMEDIATION', sagaId, ...journey, cause, error: 'no', steps: [] },
})
export const remediated = (sagaId: string): Body<'JOURNEY_REMEDIATED'> => ({
  ...{ type: 'JOURNEY_REMEDIATED', sagaId, ...journey, act: 'retry', actor: 'ann', reason: 'test' },
})
export const journeyDone = (sagaId: string): Body<'JOURNEY_COMPLETED'> => ({
  ...{ type: 'JOURNEY_COMPLETED', sagaId, ...journey, durationMs: 1 },
})
export const journeyCancelled = (sagaId: string): Body<'JOURNEY_CANCELLED'> => ({
  ...{ type: 'JOURNEY_CANCELLED', sagaId, ...journey, durationMs: 1, actor: 'ann', reason: 'test' },
})
