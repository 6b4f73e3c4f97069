/**
 * How long the inbox remembers an id: as long as a message with it can lie parked or dead and still be replayed.
 * Bounded, because an inbox that only grows fills the disk.
 */
export const INBOX_KEEP_MS = 30 * 24 * 60 * 60 * 1000

/** Ids forgotten in one transaction: some 10 ms of work, so that deliveries hardly wait for it. */
export const INBOX_SLICE_ROWS = 2_000
