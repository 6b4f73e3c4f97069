import { z } from 'zod'
import { activity } from '../../../shared/flow/activity.ts'

const DIGEST_CHARS_SHOWN = 12

/** Says in a line what is known of an object. */
export const summary = () =>
  activity({
    name: 'summary',
    input: z.object({ name: z.string(), sha256: z.string(), count: z.int(), distinct: z.int() }),
    output: z.object({ text: z.string() }),
    run: ({ name, sha256, count, distinct }) => ({
      text: `${name}: ${count} words, ${distinct} of them distinct, ${sha256.slice(0, DIGEST_CHARS_SHOWN)}`,
    }),
  })
