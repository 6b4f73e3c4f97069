import { z } from 'zod'
import { activity } from '../../../shared/flow/activity.ts'

/** Letters and digits of any script, with apostrophes and hyphens inside. */
const WORD = /[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu

/** Counts the words of a content. */
export const words = () =>
  activity({
    name: 'words',
    input: z.object({ content: z.string() }),
    output: z.object({ count: z.int(), distinct: z.int(), longest: z.string() }),
    run({ content }) {
      const all = content.toLowerCase().match(WORD) ?? []
      const longest = all.reduce((best, word) => (word.length > best.length ? word : best), '')
      return { count: all.length, distinct: new Set(all).size, longest }
    },
  })
