import { fakeHeldOperations } from './fake-held.ts'
import { hubFixture } from './hub-fixture.ts'
import { put, ruleShown, shownKinds } from './shown-kinds.ts'

/** The hub with rules and jobs that stand as the test puts them. */
export async function sidelineFixture() {
  const held = fakeHeldOperations()
  const hub = await hubFixture({ kinds: shownKinds, held })
  const rule = (status: string, fields: object = {}, hasEnded = false) =>
    put(hub.store, 'sideline', { key: 'acme', status, state: ruleShown(fields), hasEnded })
  /** What the hub's kernel makes of the next command. */
  const onTell = (...becomes: readonly (() => Promise<unknown>)[]) =>
    held.tell.mockImplementationOnce(async () => {
      for (const become of becomes) await become()
      return {}
    })
  return { ...hub, held, rule, onTell, [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() }
}
