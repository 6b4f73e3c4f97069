import { z } from 'zod'

/** Kinds of what an event can be about, and an operator ask for. */
export const subjectKinds = ['object', 'task', 'group', 'flow', 'journey'] as const

export const subject = z.object({ kind: z.enum(subjectKinds), id: z.string().min(1).max(255) })
/** What an event is about. */
export type Subject = z.infer<typeof subject>
