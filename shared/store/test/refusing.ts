import type { OutboxRow } from '../store.ts'

/** A broker that is there and does not want a message. */
export class RefusedError extends Error {}
export const isRefused = (error: unknown) => error instanceof RefusedError

export const rowTo = (key: string, body: string): OutboxRow => ({ exchange: 'ebs', key, body, properties: '{}' })
