/** A filter that cannot be used. The message says why, where, and what to write instead. */
export class FilterError extends Error {
  override readonly name = 'FilterError'
  /** Character at which the trouble begins, from 0. */
  readonly position: number

  constructor(reason: string, position: number) {
    super(`filter, character ${position + 1}: ${reason}`)
    this.position = position
  }
}
