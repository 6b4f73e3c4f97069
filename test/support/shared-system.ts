import { onTestFailed, test } from 'vitest'
import { type System, type SystemOptions, startIn } from './system.ts'
import { evidenceIn, makeSystemFolder, removeSystemFolder } from './system-folder.ts'

/**
 * `test` with one running system for all tests of a file, for stories that leave it as it was: to start one takes a small machine three
 * seconds of its processors, and the broker as much again. Each test counts only what is its own; one by itself must pass, too. A process that does not stop in order
 * fails the file.
 */
export const testsOfOneSystem = (options: SystemOptions = {}) =>
  test
    .extend('folder', { scope: 'file' }, () => makeSystemFolder())
    .extend('started', { scope: 'file' }, async ({ folder }, { onCleanup }) => {
      const ends: (() => Promise<void>)[] = []
      const evidence = { hasFailed: false }
      const running: { system?: System } = {}
      onCleanup(async () => {
        await running.system?.[Symbol.asyncDispose]()
        for (const end of ends) await end()
        if (!evidence.hasFailed) removeSystemFolder(folder)
      })
      const system = await startIn(folder, options, (end) => ends.push(end))
      running.system = system
      return { system, folder, evidence }
    })
    .extend('system', ({ started }): System => {
      onTestFailed(() => {
        started.evidence.hasFailed = true
        throw evidenceIn(started.folder)
      })
      return started.system
    })
