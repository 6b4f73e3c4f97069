import type { Rule } from '../../operation-events.ts'
import type { Event } from '../envelope.ts'
import type { Member, Rules, RuleVerdict } from '../rules.ts'

export const ruleOf = (id: string, change: Partial<Rule> = {}): Rule => ({
  id,
  episode: 1,
  revision: 1,
  phase: 'park',
  filter: 'true',
  queues: ['work'],
  actor: 'anna',
  reason: 'their database is down',
  since: '2026-01-01T00:00:00.000Z',
  ...change,
})

type Setting = { readonly rule: Rule; readonly matches: (event: Event) => boolean }

/** Rules that the test sets; whoever waits for a change is told of each. A use of a rule that let a message go does not match it. */
export function fakeRules(restore: (rule: string, queue: string) => Promise<void> = async () => undefined) {
  let settings: readonly Setting[] = []
  let waiting: (() => void)[] = []
  const judged: string[] = []
  const members: Member[] = []
  const restored: string[] = []
  const verdictOf = (event: Event): RuleVerdict => {
    const found = settings.find(
      ({ rule, matches }) => !event.meta.released.includes(`${rule.id}#${rule.episode}`) && matches(event),
    )
    if (!found || found.rule.phase === 'lifted') return { kind: 'pass' }
    return { kind: found.rule.phase, rule: found.rule }
  }
  const rules: Rules = {
    loaded: async () => undefined,
    judge(queue, event) {
      const verdict = verdictOf(event)
      judged.push(`${verdict.kind} ${queue} ${event.meta.id}`)
      return verdict
    },
    changed: () => new Promise((resolve) => waiting.push(resolve)),
    join(member) {
      members.push(member)
      return () => void members.splice(members.indexOf(member), 1)
    },
    async restore(rule, queue) {
      restored.push(`${rule} ${queue}`)
      await restore(rule, queue)
    },
  }
  return {
    rules,
    judged,
    members,
    restored,
    set(...next: readonly Setting[]) {
      settings = next
      const told = waiting
      waiting = []
      for (const tell of told) tell()
    },
  }
}
