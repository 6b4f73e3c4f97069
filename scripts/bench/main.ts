import { useBroker } from './broker.ts'
import { benchCalls } from './calls.ts'
import { benchFlow } from './flow.ts'
import { benchGroups } from './groups.ts'
import { undoOnInterrupt } from './interrupt.ts'
import { benchJourneys } from './journeys.ts'
import { benchLadder } from './ladder.ts'
import { benchOpenGroups } from './open-groups.ts'
import { benchProfile } from './profile.ts'
import { benchRules } from './rules.ts'
import { benchSideline } from './sideline.ts'
import { benchTimers } from './timers.ts'
import type { BenchBroker } from './vhost.ts'

type Bench = { readonly says: string } & (
  | { run(broker: BenchBroker, args: readonly string[]): Promise<void> }
  /** Without a broker. */
  | { runAlone(args: readonly string[]): Promise<void> }
)

const benches: Readonly<Record<string, Bench>> = {
  flow: { says: 'the object flow against a bare program that does the same [--json] [--objects N]', run: benchFlow },
  ladder: {
    says: 'lateness and limits of the designs of the delay ladder [--only one|four|mixed] [--rounds N]',
    run: benchLadder,
  },
  profile: {
    says: 'where the services of the object flow spend their processor time [--objects N] [--only floor|ebs|hub]',
    run: benchProfile,
  },
  groups: { says: 'what the hub costs the object flow [--json] [--objects N] [--rounds N]', run: benchGroups },
  timers: {
    says: "lateness of the hub's timers against the bare ladder [--json] [--rate N] [--seconds N] [--delay N] [--rounds N]",
    run: benchTimers,
  },
  calls: {
    says: 'calls through hub and worker against a bare request and answer [--json] [--count N] [--rate N] [--seconds N]',
    run: benchCalls,
  },
  journeys: {
    says: 'journeys of five activities against a bare program, and many that wait [--json] [--journeys N] [--rounds N] [--waiting N]',
    run: benchJourneys,
  },
  sideline: {
    says: 'what setting aside and replaying cost, and whom [--json] [--replayed N] [--moved N] [--backlog N] [--seconds N]',
    run: benchSideline,
  },
  rules: { says: 'what the check of sideline rules costs each message [--json] [--rounds N]', runAlone: benchRules },
  'open-groups': {
    says: 'what 100,000 open groups cost [--json] [--open N] [--groups N] [--rounds N]',
    run: benchOpenGroups,
  },
}

const [name = '', ...args] = process.argv.slice(2)
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined
if (bench && 'runAlone' in bench) await bench.runAlone(args)
else if (bench) {
  undoOnInterrupt()
  await using broker = await useBroker()
  await bench.run(broker, args)
} else {
  console.error('Usage: npm run bench -- <name>')
  for (const [key, { says }] of Object.entries(benches)) console.error(`  ${key.padEnd(11)} ${says}`)
  process.exitCode = 2
}
