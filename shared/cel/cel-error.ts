/** An expression that cannot be used. The message says why, where, and what to write instead. */
export class CelError extends Error {
  override readonly name = 'CelError'
  readonly reason: string
  /** Character at which the trouble begins, from 0. */
  readonly position: number

  /** `noun` says what kind of expression it is, such as `filter`. */
  constructor(noun: string, reason: string, position: number) {
    super(`${noun}, character ${position + 1}: ${reason}`)
    this.reason = reason
    this.position = position
  }
}
