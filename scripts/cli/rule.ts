import { z } from 'zod'
import type { Api } from './api.ts'
import { pathOf } from './showing.ts'

/** A sideline rule as the API tells of it; whatever else it says is kept. */
export const ruleSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  queues: z.array(z.string()).default([]),
  /** Messages that it holds now. */
  parked: z.number().default(0),
  /** Consumers that have not confirmed it, as a person would call them. */
  missing: z.array(z.string()).default([]),
  /** The job that brings its messages back. */
  replay: z.string().nullish(),
  waitsFor: z.string().optional(),
})
export type Rule = z.infer<typeof ruleSchema>

export const rulesPath = '/api/sidelines'

export const findRule = (hub: Api, id: string): Promise<Rule> => hub.get(pathOf(rulesPath, id), ruleSchema)

const CHANGING: readonly string[] = ['resuming', 'resolving', 'draining', 'discarding']

/** It is on its way to another status by itself. */
export const isChanging = ({ status, waitsFor }: Rule): boolean =>
  CHANGING.includes(status) && !waitsFor?.startsWith('somebody to act')
