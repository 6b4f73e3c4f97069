import { readdirSync, rmSync } from 'node:fs'
import { defineConfig, type Plugin } from 'rolldown'

/** What starts often, by the path of its source without the ending. */
const programs = [
  ...readdirSync('services').map((name) => `services/${name}/main`),
  'scripts/cli/main',
  'scripts/container/main',
]

/** Stay packages of their own, and have to be installed where the programs run. */
const external = [
  // Native.
  /^better-sqlite3($|\/)/,
  // Read files beside themselves.
  /^@fastify\/swagger(-ui)?$/,
  // Loaded when they are first needed, perhaps long after the start, when another build may have replaced the chunks.
  /^(undici|pino-pretty|jose)$/,
  // Optional.
  /^@opentelemetry\/(?!api$)/,
]

/** Names of chunks change with what is in them. Old ones go when the programs that need the new ones are there, so that one can start meanwhile. */
const removeOldChunks: Plugin = {
  name: 'remove old chunks',
  writeBundle(_options, written) {
    for (const name of readdirSync('dist/bundled')) if (!(`bundled/${name}` in written)) rmSync(`dist/bundled/${name}`)
  },
}

/**
 * After tsc has compiled everything into dist/: what starts often is written over by one that has its own code and its packages in a few files,
 * because Node takes longer to find and link a thousand files than to run them (docs/decisions/bundling.md).
 */
export default defineConfig({
  input: Object.fromEntries(programs.map((program) => [program, `${program}.ts`])),
  platform: 'node',
  // `using` is not known to Node 20.
  transform: { target: 'es2023' },
  external,
  plugins: [removeOldChunks],
  output: {
    dir: 'dist',
    entryFileNames: '[name].js',
    // As deep as dist/scripts/, so that paths seen from there stay true.
    chunkFileNames: 'bundled/[name]-[hash].js',
    sourcemap: true,
    sourcemapExcludeSources: true,
    // Names of error classes are told: in logs, metrics and headers of dead letters.
    keepNames: true,
  },
})
