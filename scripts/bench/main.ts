import { useBroker } from './broker.ts'
import { benchFlow } from './flow.ts'
import { undoOnInterrupt } from './interrupt.ts'
import { benchLadder } from './ladder.ts'
import { benchProfile } from './profile.ts'
import type { BenchBroker } from './vhost.ts'

type Bench = { readonly says: string; run(broker: BenchBroker, args: readonly string[]): Promise<void> }

const benches: Readonly<Record<string, Bench>> = {
  flow: { says: 'the object flow against a bare program that does the same [--json] [--objects N]', run: benchFlow },
  ladder: {
    says: 'lateness and limits of the designs of the delay ladder [--only one|four|mixed] [--rounds N]',
    run: benchLadder,
  },
  profile: {
    says: 'where the services of the object flow spend their processor time [--objects N]',
    run: benchProfile,
  },
}

const [name = '', ...args] = process.argv.slice(2)
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined
if (bench) {
  undoOnInterrupt()
  await using broker = await useBroker()
  await bench.run(broker, args)
} else {
  console.error('Usage: npm run bench -- <name>')
  for (const [key, { says }] of Object.entries(benches)) console.error(`  ${key.padEnd(8)} ${says}`)
  process.exitCode = 2
}
