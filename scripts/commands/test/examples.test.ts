import { describe, expect, test } from 'vitest'
import { fakeApi, type Routes } from '../../cli/test/fake-api.ts'
import { runEbs } from '../../cli/test/fake-terminal.ts'

const nouns = [
  ...['why', 'status', 'object', 'group', 'flow', 'journey', 'definition', 'remediation', 'remediation jobs', 'timer'],
  ...['sideline', 'dead', 'replay', 'ledger', 'audit', 'topology'],
]

/** Verbs of a noun, as its help lists them; none for a noun that is a verb itself. */
async function verbsOf(noun: string): Promise<readonly string[]> {
  const { out } = await runEbs([...noun.split(' '), '--help'])
  const [, commands = ''] = out.split('\nCommands:\n')
  return [...commands.matchAll(/^ {2}(\w+)/gm)]
    .map(([, verb = '']) => verb)
    .filter((verb) => verb !== 'help' && !nouns.includes(`${noun} ${verb}`))
}

/** As a shell would: quotes hold words together. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')

const anything = {
  ...{ kind: 'group', state: 'waiting', summary: 'x', commands: [], timeline: [], related: [] },
  ...{ id: 'x', status: 'active', act: 'replay', items: [], count: 1, replay: 'r-7', parked: 0, queues: [] },
  ...{ job: 'r-7', version: 1, type: 'order', differences: [], activities: { charge: { state: 'done' } } },
  journey: { id: 'x', type: 'order', version: 1, status: 'RUNNING' },
  document: { type: 'order', version: 1, deadline: '1m', activities: { charge: { activity: 'charge' } } },
  ...{ sampled: 1, matched: 1, unclear: 0, body: { a: 1 }, examples: [], missing: [], answered: 1 },
}
const ledger = {
  ...{ at: '2026-01-01T00:00:00Z', settleMs: 1, balanced: true, imbalance: 0, totals: [], accounts: [], queues: [] },
  ...{ parked: [], discarded: [], imbalances: [], unobserved: [] },
}
const job = { ...anything, status: 'completed', total: 1, moved: 1, handled: 1, done: 1 }
const isJob = (name: string) => /^GET \/api\/(replays|remediation\/jobs)\//.test(name)

/** Answers whatever a verb may ask. */
const routes: Routes = new Proxy<Routes>(
  {},
  {
    get: (_target, name) => {
      if (name === 'POST /api/journeys') return { json: { ...anything, status: 'COMPLETED' } }
      if (name === 'GET /api/ledger') return { json: ledger }
      return { json: isJob(String(name)) ? { ...job, items: [] } : anything }
    },
  },
)

describe.each(nouns)('%s', (noun) => {
  test('each verb has examples in its help, and each of them runs', async () => {
    const verbs = await verbsOf(noun)
    const lines: string[] = []
    const words = noun.split(' ')
    for (const command of verbs.length === 0 ? [words] : verbs.map((verb) => [...words, verb])) {
      const { out } = await runEbs([...command, '--help'])
      const [, examples = ''] = out.split('\nExamples:\n')
      const own = examples
        .trimEnd()
        .split('\n')
        .map((line) => line.trim())
      expect(own[0]).toMatch(new RegExp(`^ebs ${command.join(' ')}`))
      lines.push(...own)
    }

    await using api = await fakeApi(routes)
    for (const line of lines) {
      // These are for a shell, a terminal or a file of the reader's; tests of their own run them.
      if (/^jq|>>|--watch|@(body|order).json|dead edit \S+ --reason|topology (verify|plan|apply)/.test(line)) continue
      const [, ...argv] = wordsOf(line)
      const { code, err } = await runEbs(argv, { ...api, isTty: true, typed: 'y\n', columns: 120 })
      expect([line, code, code === 0 || noun === 'status' ? '' : err]).toEqual([line, noun === 'status' ? 1 : 0, ''])
    }
  })
})
