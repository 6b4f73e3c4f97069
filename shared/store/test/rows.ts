import type { OutboxRow } from '../store.ts'

/** An outbox row that is told apart by its body. */
export const row = (body: string): OutboxRow => ({ exchange: 'ebs', key: 'objects', body, properties: '{}' })

/** Rows `0` to `n - 1`. */
export const rows = (n: number): OutboxRow[] => Array.from({ length: n }, (_, i) => row(String(i)))
