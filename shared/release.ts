/**
 * The version of ebs that this is, as in package.json (a test compares them). Stores keep it, so that a file can say who wrote it; here as
 * a constant, because whoever opens a store has no package beside it.
 */
export const release = '0.2.0'
