import type { Body } from '../../../shared/events.ts'
import { completed, failed, finished, objectCreated, objectFailed, started, taskCreated } from './history.ts'
import {
  carrierOf,
  deadOf,
  discardedBy,
  failingOf,
  flowDone,
  flowRequested,
  groupDone,
  groupFailed,
  groupOf,
  initiated,
  journeyCancelled,
  journeyDone,
  journeyStarted,
  needsRemediation,
  parkedBy,
  remediated,
  replayedOf,
} from './ledger-history.ts'

export const created = taskCreated('o', 1, 1)
export const T = created.task.id
export const carriesTask = carrierOf('task', T)
const carriesObject = carrierOf('object', 'o')
const carriesGroup = carrierOf('group', 'g')
const carriesJourney = carrierOf('journey', 'j')
const groupMessage = { ...carrierOf('group', 'o'), subject: { kind: 'object', id: 'o' } } as const
const finishedMessage = { ...carriesTask, queue: 'hub_consume', type: 'TASK_FINISHED' }

/** A story, one second between events, and how it leaves its entry: the kind, the state, and where or by whom. */
export const stories: readonly (readonly [string, readonly Body[], string])[] = [
  ['a task accepted', [created], 'task inFlight process_consume'],
  ['a task done', [created, started(T), finished(T)], 'task done'],
  ['a task waiting for its next attempt', [created, started(T), failed(T, false)], 'task waiting process_consume'],
  ['a task tried again', [created, failed(T, false), started(T, 2)], 'task inFlight process_consume'],
  ['a task that failed for good', [created, failed(T, true), deadOf(carriesTask)], 'task dead process_consume'],
  ['a replay that finishes', [created, deadOf(carriesTask), started(T), finished(T)], 'task done'],
  [
    'a replay that fails',
    [created, deadOf(carriesTask), started(T), failingOf(carriesTask)],
    'task waiting process_consume',
  ],
  ['a task parked', [created, parkedBy('r1', carriesTask)], 'task parked process_consume r1'],
  [
    'parked by another rule',
    [created, parkedBy('r1', carriesTask), parkedBy('r2', carriesTask)],
    'task parked process_consume r2',
  ],
  [
    'a task brought back',
    [created, parkedBy('r1', carriesTask), replayedOf(carriesTask)],
    'task inFlight process_consume',
  ],
  [
    'a task discarded',
    [created, deadOf(carriesTask), discardedBy('ann', carriesTask)],
    'task discarded process_consume ann',
  ],
  ['parked news of a task', [created, parkedBy('r1', finishedMessage)], 'task inFlight process_consume'],
  [
    'parked at statistics',
    [created, parkedBy('r1', { ...carriesTask, queue: 'statistics' })],
    'task inFlight process_consume',
  ],
  ['dead at a foreign queue', [created, deadOf({ ...carriesTask, queue: 'mine' })], 'task inFlight process_consume'],
  ['an object accepted', [objectCreated('o')], 'object inFlight distributor_consume'],
  ['an object dead', [objectCreated('o'), deadOf(carriesObject)], 'object dead distributor_consume'],
  ['an object in the hub', [objectCreated('o'), groupOf('o', 'tasks')], 'object inFlight hub_consume'],
  [
    'the group of an object parked',
    [objectCreated('o'), groupOf('o', 'tasks'), parkedBy('r1', groupMessage)],
    'object parked hub_consume r1',
  ],
  [
    'an object died after its group was opened',
    [objectCreated('o'), groupOf('o', 'tasks'), deadOf(carriesObject)],
    'object inFlight hub_consume',
  ],
  ['an object failed', [objectCreated('o'), groupOf('o', 'tasks'), objectFailed('o')], 'object failed'],
  ['an object completed after all', [objectCreated('o'), objectFailed('o'), completed('o')], 'object done'],
  ['a group', [groupOf('g')], 'group inFlight hub_consume'],
  ['a group done', [groupOf('g'), groupDone('g')], 'group done'],
  ['a group failed', [groupOf('g'), groupFailed('g')], 'group failed'],
  ['a group parked', [groupOf('g'), parkedBy('r1', carriesGroup)], 'group parked hub_consume r1'],
  [
    'a Done of a group parked',
    [groupOf('g'), parkedBy('r1', { ...carriesGroup, type: 'EventGroupCollectorEntityDone' })],
    'group inFlight hub_consume',
  ],
  ['a flow', [flowRequested('f')], 'flow inFlight hub_consume'],
  ['a flow done', [flowRequested('f'), flowDone('f')], 'flow done'],
  [
    'a journey',
    [initiated('j'), initiated('j', 'INITIATE_JOURNEY'), journeyStarted('j')],
    'journey inFlight hub_consume',
  ],
  [
    'a journey of an unknown type',
    [initiated('j'), needsRemediation('j', 'unknown-type')],
    'journey waiting hub_consume',
  ],
  [
    'its type registered',
    [initiated('j'), needsRemediation('j', 'unknown-type'), journeyStarted('j')],
    'journey inFlight hub_consume',
  ],
  [
    'a journey that needs a person',
    [initiated('j'), journeyStarted('j'), needsRemediation('j')],
    'journey waiting hub_consume',
  ],
  [
    'a journey that a person helped',
    [initiated('j'), journeyStarted('j'), needsRemediation('j'), remediated('j')],
    'journey inFlight hub_consume',
  ],
  [
    'a journey that the hub has lost written off',
    [initiated('j'), journeyStarted('j'), discardedBy('ann', { ...carriesJourney, type: 'JOURNEY_STARTED' })],
    'journey discarded hub_consume ann',
  ],
  [
    'a copy of what began a journey dropped',
    [initiated('j'), journeyStarted('j'), discardedBy('ann', carriesJourney)],
    'journey inFlight hub_consume',
  ],
  ['a group whose opening is tried again', [groupOf('g'), failingOf(carriesGroup)], 'group waiting hub_consume'],
  ['a journey done', [initiated('j'), journeyDone('j')], 'journey done'],
  ['a journey cancelled', [initiated('j'), needsRemediation('j'), journeyCancelled('j')], 'journey failed'],
  ['a journey dead', [initiated('j'), deadOf(carriesJourney)], 'journey dead hub_consume'],
  ['an end of something that was never accepted', [finished('x-1')], ''],
  ['news of something that was never accepted', [deadOf(carriesTask)], ''],
]
