import { createHash } from 'node:crypto'
import type { Body, EbsObject } from '../../shared/events.ts'

/** Splits an object into `count` tasks. Their ids follow from the object's, so that doing it again gives the same tasks. */
export const splitObject = (object: EbsObject, count: number): Body<'TASK_CREATED'>[] =>
  Array.from({ length: count }, (_, i) => ({
    type: 'TASK_CREATED',
    task: { id: taskId(object.id, i + 1), objectId: object.id, index: i + 1, of: count, tenant: object.tenant },
    object,
  }))

/** `<object id>.<index>`; an id too long to be extended is replaced by its hash. */
function taskId(objectId: string, index: number): string {
  const readable = `${objectId}.${index}`
  return readable.length <= ID_CHARS_MAX ? readable : `${createHash('sha256').update(objectId).digest('hex')}.${index}`
}

/** As the catalogue has it. */
const ID_CHARS_MAX = 128
