/** What `npm ci` runs with: JOBS lets node-gyp compile on all cores, which halves the wait where no prebuilt binary fits. */
export const installEnvironment = { JOBS: 'max', ...process.env }
