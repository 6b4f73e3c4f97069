import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { systemClock } from '../../clock.ts'
import { createLog } from '../../service/log.ts'
import { SqliteActivityMemory } from '../../store/activity-memory.ts'
import { activity } from '../activity.ts'
import { remembering } from '../remembering.ts'

// A process that has the effect of an activity, in the folder named on its command line, and is killed before it can say so.
const folder = process.argv[2] ?? ''
const mail = activity({
  name: 'mail',
  input: z.unknown(),
  output: z.unknown(),
  run() {
    appendFileSync(join(folder, 'effects'), 'mailed\n')
    process.kill(process.pid, 'SIGKILL')
  },
})
await remembering(mail, new SqliteActivityMemory(join(folder, 'processor.db')), { clock: systemClock }).run(null, {
  callId: 's1:mail',
  idempotencyKey: 's1:mail',
  attempt: 1,
  sagaId: 's1',
  tenant: 'default',
  signal: new AbortController().signal,
  log: createLog({ service: 'test', level: 'silent' }),
})
