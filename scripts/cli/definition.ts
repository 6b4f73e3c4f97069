import { z } from 'zod'
import type { Definition } from '../../shared/flow/journey/definition.ts'
import { readDefinition } from '../../shared/flow/journey/definition-check.ts'
import type { Api } from './api.ts'
import { NotDoneError } from './exit-code.ts'
import { pathOf } from './showing.ts'

/** A definition as the API tells of it; whatever else it says is kept. */
export const definitionSchema = z.looseObject({ type: z.string(), version: z.number(), document: z.unknown() })
export type RegisteredDefinition = z.infer<typeof definitionSchema>

export const definitionsPath = '/api/definitions'

/** Without a version the newest one. */
export const findDefinition = (hub: Api, type: string, version?: number): Promise<RegisteredDefinition> =>
  hub.get(pathOf(definitionsPath, type, version === undefined ? undefined : String(version)), definitionSchema)

/** Throws NotDoneError for a document that this version of ebs cannot read. */
export function readRegistered({ type, version, document }: RegisteredDefinition): Definition {
  const read = readDefinition(document)
  if (read.ok) return read.definition
  throw new NotDoneError(`Version ${version} of ${type} cannot be read here: ${read.faults.join('; ')}`)
}
