import { z } from 'zod'
import { activity } from '../../../shared/flow/activity.ts'
import { work } from '../work.ts'
import type { Systems } from './systems.ts'

/** The work of a task, as a step of a journey: the digest of a content, in the time and with the failures that tasks have. */
export const digest = ({ work: settings }: Systems) =>
  activity({
    name: 'digest',
    input: z.object({ content: z.string() }),
    output: z.object({ sha256: z.string() }),
    run: async (object) => ({ sha256: await work(object, settings) }),
  })
