import type { Activity } from '../../../shared/flow/activity.ts'
import { charge } from './charge.ts'
import { digest } from './digest.ts'
import { expressShip } from './express-ship.ts'
import { httpCall } from './http-call.ts'
import { notify } from './notify.ts'
import { refund } from './refund.ts'
import { release } from './release.ts'
import { reserve } from './reserve.ts'
import { ship } from './ship.ts'
import { summary } from './summary.ts'
import type { Systems } from './systems.ts'
import { words } from './words.ts'

/** What this processor can do for journeys, by name. To add an activity: write its file, and add a row. */
export const table = {
  http: httpCall,
  reserve,
  release,
  charge,
  refund,
  ship,
  'express-ship': expressShip,
  notify,
  digest,
  words,
  summary,
} as const satisfies Readonly<Record<string, (systems: Systems) => Activity>>

export type ActivityName = keyof typeof table

export const isActivityName = (name: string): name is ActivityName => Object.hasOwn(table, name)

export const activityNames: readonly ActivityName[] = Object.keys(table).filter(isActivityName)
