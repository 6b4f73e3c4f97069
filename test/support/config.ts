/** Folders with programs, for tests that run a broker of their own. */
export const searchPath = (): readonly string[] => (process.env.PATH ?? '').split(':').filter((folder) => folder !== '')
