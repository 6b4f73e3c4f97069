import { tell } from './tell.ts'

/** What a mutated copy runs: a line per seed, and the first one that breaks a promise as JSON. */
const seeds = Number(process.argv[2])
for (let seed = 1; seed <= seeds; seed++) {
  const { broken } = await tell(seed)
  if (broken.length > 0) {
    console.log(JSON.stringify({ seed, broken: broken.slice(0, 3) }))
    break
  }
  console.log(String(seed))
}
