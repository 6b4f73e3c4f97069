import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'

/** RabbitMQ takes 255 bytes; names of rules' confirmations and of lanes are built around it. */
const TAG_CHARS_MAX = 200
const RANDOM_BYTES = 6

/** The tag of a consumer, by which operators find the process behind it: `<service>.<host>.<pid>.<random>`. */
export function consumerTag(service: string): string {
  const mine = `.${process.pid}.${randomBytes(RANDOM_BYTES).toString('hex')}`
  // A host's name may be long and a service's of any letters; what tells two consumers apart stays whole.
  const where = `${service}.${hostname()}`.replace(/[^\w.-]/g, '_')
  return where.slice(0, TAG_CHARS_MAX - mine.length) + mine
}
