import { Command, InvalidArgumentError } from 'commander'
import { checkMutations } from './mutation-run.ts'
import { failureOf, Summary } from './report.ts'
import { tell } from './tell.ts'

const SEEDS_DEFAULT = 100
/** What a mutation may cost before it counts as not caught. */
const MUTATION_SEEDS_DEFAULT = 60

type Options = { seeds?: number; from: number; seed?: number; trace?: true; mutations?: true; only?: string }

const whole = (text: string) => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number')
  return Number(text)
}

const program = new Command('npm run sim --')
  .description('Plays the whole system on a virtual clock, with faults, one story per seed, and checks its promises.')
  .option(
    '--seeds <n>',
    `so many seeds (${SEEDS_DEFAULT}); with --mutations, at most so many for each (${MUTATION_SEEDS_DEFAULT})`,
    whole,
  )
  .option('--from <seed>', 'the first of them', whole, 1)
  .option('--seed <seed>', 'exactly this one, twice, to see that it comes out the same', whole)
  .option('--trace', 'with --seed: everything that happens in it')
  .option('--mutations', 'breaks guarantees on purpose, and tells which seed finds each')
  .option('--only <name>', 'with --mutations: those whose name has this in it')
  .allowExcessArguments(false)

const options = program.parse().opts<Options>()
if (options.mutations)
  process.exitCode = await checkMutations({
    seedsMax: options.seeds ?? MUTATION_SEEDS_DEFAULT,
    only: options.only ?? '',
  })
else if (options.seed !== undefined) process.exitCode = await playOne(options.seed, options.trace ?? false)
else process.exitCode = await playMany(options.from, options.seeds ?? SEEDS_DEFAULT)

async function playOne(seed: number, isTraced: boolean): Promise<number> {
  const told = await tell(seed, { isTraced })
  for (const line of told.lines) console.log(line)
  const again = await tell(seed)
  const isSame = told.digest === again.digest
  console.log(`seed ${seed}: digest ${told.digest}, again ${again.digest}${isSame ? '' : ': IT IS NOT THE SAME'}`)
  console.log(told.broken.length > 0 ? failureOf(told) : 'every promise is kept')
  return told.broken.length > 0 || !isSame ? 1 : 0
}

async function playMany(from: number, seeds: number): Promise<number> {
  const summary = new Summary()
  const startMs = performance.now()
  for (let seed = from; seed < from + seeds; seed++) {
    const told = await tell(seed)
    summary.add(told)
    if (told.broken.length > 0) console.error(failureOf(told))
  }
  for (const line of summary.lines(performance.now() - startMs)) console.log(line)

  return summary.failed > 0 ? 1 : 0
}
