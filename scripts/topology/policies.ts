/** What drops, deletes or sends away messages: keys of a policy. `expires` is not here, because of a queue that nobody consumes it is worse. */
const LOSSY = [
  'max-length',
  'max-length-bytes',
  'overflow',
  'message-ttl',
  'delivery-limit',
  'dead-letter-exchange',
  'dead-letter-routing-key',
] as const
/** A queue that nobody consumes is deleted with all that is in it. */
const EXPIRES = 'expires'

type Policy = Readonly<Record<string, unknown>>

/** What a policy would do to messages in a stand-in that none does to them in their own queue. */
export function strangePolicies(standIn: Policy, own: Policy): readonly string[] {
  const differs = LOSSY.filter((key) => standIn[key] !== undefined && standIn[key] !== own[key])
  const all = standIn[EXPIRES] === undefined ? differs : [...differs, EXPIRES]
  return all.map((key) => `${key} ${String(standIn[key])}`)
}
