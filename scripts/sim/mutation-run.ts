import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Table from 'cli-table3'
import { z } from 'zod'
import { type Mutation, mutations } from './mutations.ts'

/** A mutation may keep the system busy for ever; a seed that takes so long has found it. */
const SEED_MS_MAX = 120_000
const caught = z.object({ seed: z.number(), broken: z.array(z.string()) })

type Found = { readonly seed: number; readonly by: string }
type Wish = { readonly seedsMax: number; readonly only: string }

/** Breaks one guarantee after the other in a copy of the compiled program, and has it play seeds until one fails. Gives the exit code. */
export async function checkMutations({ seedsMax, only }: Wish): Promise<number> {
  const table = new Table({ head: ['mutation', 'caught by', 'seed'], style: { head: [], border: [] } })
  const compiled = fileURLToPath(new URL('../..', import.meta.url))
  const root = mkdtempSync(join(tmpdir(), 'ebs-mutations-'))
  let missed = 0
  try {
    cpSync(compiled, join(root, 'dist'), { recursive: true })
    for (const name of ['node_modules', 'package.json']) symlinkSync(join(compiled, '..', name), join(root, name))
    for (const mutation of mutations.filter(({ name }) => name.includes(only))) {
      const found = await mutated(root, mutation, () => play(root, seedsMax))
      if (!found) missed++
      console.log(`${mutation.name}: ${found ? `seed ${found.seed}, ${found.by}` : `not caught by ${seedsMax} seeds`}`)
      table.push([mutation.name, found?.by ?? 'NOT CAUGHT', found ? String(found.seed) : `> ${seedsMax}`])
    }
  } finally {
    rmSync(root, { recursive: true })
  }
  console.log(table.toString())
  return missed > 0 ? 1 : 0
}

/** Throws when what is to be broken is not there any more. */
async function mutated<T>(root: string, { name, file, edits }: Mutation, run: () => Promise<T>): Promise<T> {
  const path = join(root, 'dist', file)
  const before = readFileSync(path, 'utf8')
  let text = before
  for (const [search, replace] of edits) {
    if (!text.includes(search)) throw new Error(`${file} has no '${search}' any more: correct the mutation '${name}'.`)
    text = text.replace(search, () => replace)
  }
  writeFileSync(path, text)
  try {
    return await run()
  } finally {
    writeFileSync(path, before)
  }
}

async function play(root: string, seedsMax: number): Promise<Found | undefined> {
  const child = spawn(process.execPath, [join(root, 'dist/scripts/sim/mutant.js'), String(seedsMax)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let [text, seed, isStuck] = ['', 1, false]
  const watch = () =>
    setTimeout(() => {
      isStuck = true
      child.kill('SIGKILL')
    }, SEED_MS_MAX)
  let timer = watch()
  child.stdout.on('data', (part: Buffer) => {
    text += part.toString()
    seed = text.split('\n').length
    clearTimeout(timer)
    timer = watch()
  })
  await once(child, 'close')
  clearTimeout(timer)
  if (isStuck) return { seed, by: 'it never comes to an end' }
  const last = text.trimEnd().split('\n').at(-1) ?? ''
  if (child.exitCode !== 0 && !last.startsWith('{')) return { seed, by: `it ends with ${child.exitCode}` }
  const found = last.startsWith('{') ? caught.parse(JSON.parse(last)) : undefined
  return found && { seed: found.seed, by: found.broken[0] ?? '' }
}
