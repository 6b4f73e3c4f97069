import { z } from 'zod'
import type { DefinitionRow } from '../../../shared/store/definitions.ts'
import { isoOf } from '../operations.ts'

const common = {
  type: z.string(),
  version: z.int(),
  registeredAt: z.string(),
  actor: z.string(),
  reason: z.string(),
}

/** A definition in a list. */
export const definitionItemSchema = z.object({
  ...common,
  description: z.string().optional(),
  /** Names of its steps. */
  steps: z.array(z.string()),
})

/** A definition with its document, as it was registered. */
export const definitionSchema = definitionItemSchema.extend({ document: z.unknown() })

/** What of a document a list shows. It was checked when it was registered. */
const shown = z.looseObject({
  description: z.string().optional(),
  activities: z.record(z.string(), z.unknown()).default({}),
})

export function definitionItem(row: DefinitionRow): z.infer<typeof definitionItemSchema> {
  const { document: _, ...item } = definitionView(row)
  return item
}

export function definitionView(row: DefinitionRow): z.infer<typeof definitionSchema> {
  const { type, version, atMs, actor, reason } = row
  const document: unknown = JSON.parse(row.document)
  const { description, activities } = shown.parse(document)
  return {
    ...{ type, version, registeredAt: isoOf(atMs), actor, reason },
    ...(description !== undefined && { description }),
    steps: Object.keys(activities),
    document,
  }
}
