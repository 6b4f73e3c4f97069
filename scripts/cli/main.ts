import { runCli } from './run.ts'
import { processTerminal } from './terminal.ts'

// Not process.exit: what is still on its way into a pipe would be lost.
process.exitCode = await runCli(process.argv.slice(2), { terminal: processTerminal() })
