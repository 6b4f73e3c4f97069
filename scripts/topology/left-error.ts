/** A queue is left as it is now: nothing is lost, and another run goes on from there. */
export class LeftError extends Error {
  override readonly name = 'LeftError'
  readonly isMoot: boolean

  constructor(message: string, isMoot = false) {
    super(message)
    this.isMoot = isMoot
  }
}
