/**
 * Two stores count their rows each by itself. Numbers that go up whichever store leads have the epoch in front: who knows one of an
 * earlier epoch has seen nothing of this one.
 */

/** 68 billion rows in an epoch, 131,072 epochs: both are more than there will be, and the product is still a whole number to JavaScript. */
const SEQS_PER_EPOCH = 2 ** 36

export const seqOf = (epoch: number, seq: number): number => epoch * SEQS_PER_EPOCH + seq
export const epochOf = (seq: number): number => Math.floor(seq / SEQS_PER_EPOCH)
/** The store's own number; 0 for one of an earlier epoch. */
export const ownSeq = (epoch: number, seq: number): number => (epochOf(seq) === epoch ? seq % SEQS_PER_EPOCH : 0)
