import { z } from 'zod'
import { activityQueueOf } from '../../../shared/topology.ts'
import type { View } from '../conversation-view.ts'
import { errorText } from './answer.ts'

const callShape = { state: z.string(), attempt: z.number().default(0), error: errorText.optional() }
const activitySchema = z.looseObject({
  ...callShape,
  activity: z.string().optional(),
  after: z.array(z.string()).default([]),
  callId: z.string().optional(),
  dueAt: z.string().optional(),
  attempts: z
    .array(z.looseObject({ attempt: z.number(), endedAt: z.string(), status: z.number(), error: errorText.optional() }))
    .default([]),
  compensation: z.looseObject({ ...callShape, activity: z.string().optional() }).optional(),
})
export type Activity = z.infer<typeof activitySchema>

/** Of the view of a journey. */
const schema = z.looseObject({
  status: z.string(),
  phase: z.string(),
  type: z.string(),
  version: z.number(),
  deadline: z.string().optional(),
  error: errorText.optional(),
  activities: z.record(z.string(), activitySchema),
  overdueSince: z.string().optional(),
  cancelledBy: z.looseObject({ actor: z.string(), reason: z.string() }).optional(),
  compensated: z.array(z.string()).default([]),
  notCompensated: z.array(z.string()).default([]),
  remediation: z
    .looseObject({
      cause: z.string(),
      error: errorText,
      since: z.string(),
      steps: z.array(z.string()),
      acts: z.array(z.string()),
    })
    .optional(),
})
export type JourneyView = z.infer<typeof schema>

export const journeyOf = (view: View): JourneyView => schema.parse(view)

/** Steps that it waits for now, with their names; while it is taken back, the step whose undoing it waits for. */
export function waitingSteps({ activities, phase }: JourneyView): readonly (readonly [string, Activity])[] {
  const all = Object.entries(activities)
  return phase === 'compensating'
    ? all.filter(([, { compensation }]) => compensation?.state === 'running' || compensation?.state === 'retrying')
    : all.filter(([, { state }]) => state === 'running' || state === 'retrying')
}

/** The activity that a step asks for just now. */
export const activityNow = ({ phase }: JourneyView, { activity, compensation }: Activity) =>
  phase === 'compensating' ? compensation?.activity : activity

/** Queues that a look at a journey needs. */
export const queuesOfJourney = (view: View): readonly string[] => {
  const journey = journeyOf(view)
  const activities = waitingSteps(journey).flatMap(([, step]) => activityNow(journey, step) ?? [])
  return [...new Set(activities)].map(activityQueueOf)
}
