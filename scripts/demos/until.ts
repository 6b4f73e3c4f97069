import { setTimeout as wait } from 'node:timers/promises'
import { showProgress } from '../progress.ts'

const ASK_AGAIN_MS = 50
/** A slow machine needs seconds for what is asked here; this is for what never comes. */
const WAIT_MS_MAX = 180_000

type Check = () => boolean | Promise<boolean>

/** Asks until it is so, with progress (`title` is what is waited for), and gives whether it became so in time. */
export const isSoInTime = (title: string, isSo: Check, withinMs = WAIT_MS_MAX): Promise<boolean> =>
  showProgress(title, poll(isSo, withinMs))

/** Asks until it is so, with progress. Throws when the time is over. */
export async function until(title: string, isSo: Check): Promise<void> {
  if (await isSoInTime(title, isSo)) return
  throw new Error(`Waited ${WAIT_MS_MAX / 1_000} s in vain: ${title}.`)
}

async function poll(isSo: Check, withinMs: number): Promise<boolean> {
  const giveUpAtMs = performance.now() + withinMs
  while (!(await isSo())) {
    if (performance.now() > giveUpAtMs) return false
    await wait(ASK_AGAIN_MS)
  }
  return true
}
