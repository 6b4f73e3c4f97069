import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'
import type { Clock } from '../../shared/clock.ts'
import type { Random } from './random.ts'

/**
 * Shuts this process off from everything that differs from run to run: real time, real waits and real chance, also where a library asks
 * for them. What a service takes from its context is virtual anyway; this is for the rest, and for the exact replay of a seed. Sockets,
 * threads and files are not covered: a simulation has none but SQLite's, which block. Undone when disposed.
 */
export function sealWorld(clock: Clock, random: Random): Disposable {
  const undo = [
    ...(['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'] as const).map((name) =>
      replace(globalThis, name, timersOf(clock)[name]),
    ),
    replace(globalThis, 'Date', dateOf(clock)),
    replace(performance, 'now', () => clock.now()),
    replace(Math, 'random', () => random.next()),
    replace(crypto, 'randomBytes', (size: number) => random.bytes(size)),
    replace(crypto, 'randomUUID', () => uuidOf(random.bytes(16).toString('hex'))),
    replace(timers, 'setTimeout', (ms: number, value: unknown) => after(clock, ms, value)),
  ]
  syncBuiltinESMExports()
  return {
    [Symbol.dispose]() {
      for (const restore of undo) restore()
      syncBuiltinESMExports()
    },
  }
}

/** Gives back what puts the old one in its place. */
function replace(target: object, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(target, name)
  Object.defineProperty(target, name, { configurable: true, writable: true, enumerable: true, value })
  return () => {
    if (before) Object.defineProperty(target, name, before)
    else Reflect.deleteProperty(target, name)
  }
}

const after = (clock: Clock, ms: number, value: unknown) =>
  new Promise((resolve) => clock.after(ms, () => resolve(value)))

/** What node gives for a timer, as far as libraries use it. */
class VirtualTimer {
  cancel: () => void = () => undefined
  refresh(): this {
    return this
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }
  hasRef(): boolean {
    return false
  }
  [Symbol.dispose](): void {
    this.cancel()
  }
}

type Callback = (...args: readonly unknown[]) => void

function timersOf(clock: Clock) {
  const clear = (timer: unknown) => {
    if (timer instanceof VirtualTimer) timer.cancel()
  }
  return {
    setTimeout(run: Callback, ms = 0, ...args: readonly unknown[]) {
      const timer = new VirtualTimer()
      timer.cancel = clock.after(Math.max(1, ms), () => run(...args))
      return timer
    },
    setInterval(run: Callback, ms = 0, ...args: readonly unknown[]) {
      const timer = new VirtualTimer()
      const next = () => {
        timer.cancel = clock.after(Math.max(1, ms), () => {
          next()
          run(...args)
        })
      }
      next()
      return timer
    },
    clearTimeout: clear,
    clearInterval: clear,
  }
}

const dateOf = (clock: Clock) =>
  new Proxy(Date, {
    construct: (date, args: readonly unknown[]) => Reflect.construct(date, args.length > 0 ? args : [clock.now()]),
    get: (date, name, self) => (name === 'now' ? () => clock.now() : Reflect.get(date, name, self)),
  })

const uuidOf = (hex: string) =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
