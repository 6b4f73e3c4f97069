import { expect, onTestFinished } from 'vitest'
import type { ServiceName } from '../../scripts/services.ts'
import type { ServiceProcess } from './service-process.ts'
import type { System } from './system.ts'

type Env = Readonly<Record<string, string>>

/** One more process of a service until the running test ends, for stories that share a system; one that does not stop in order fails the test. */
export async function guest(system: System, service: ServiceName, env: Env = {}): Promise<ServiceProcess> {
  const started = await system.start(service, env)
  onTestFinished(() => endInOrder(started))
  return started
}

/** Another process, with an environment of its own, in place of this one: until the running test ends, or restarts this one. */
export async function standIn(system: System, name: ServiceName, env: Env): Promise<ServiceProcess> {
  const absent = system.process(name)
  await endInOrder(absent)
  // What is said last is done first: the guest has left by then.
  backAtEnd(absent)
  return guest(system, name, env)
}

/** Starts this one again when the running test ends without it. */
export function backAtEnd(one: ServiceProcess): void {
  onTestFinished(async () => {
    if (!one.isAlive) await one.restart()
  })
}

async function endInOrder(one: ServiceProcess): Promise<void> {
  if (one.isAlive) expect(await one.kill('SIGTERM'), one.name).toMatchObject({ code: 0 })
}
