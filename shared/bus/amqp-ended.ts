/** A call on a channel that was closed, or is being closed: whatever it held, the broker gives back. */
export const isEnded = (error: unknown): boolean => error instanceof Error && error.name === 'IllegalOperationError'
