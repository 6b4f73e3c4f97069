import { z } from 'zod'
import { NobodyThereError, TooManyQuestionsError } from '../../shared/bus/ask.ts'
import type { Event } from '../../shared/bus/envelope.ts'
import { filterLedger, type Ledger, ledgerSchema } from '../../shared/ledger-view.ts'
import { unavailable } from '../../shared/service/errors.ts'
import type { Http } from '../../shared/service/http.ts'
import { subjectKinds } from '../../shared/subject.ts'
import type { Operations } from './operations.ts'

/** Statistics has it in memory, or some milliseconds away. */
const ANSWER_MS_MAX = 2_000
const RETRY_AFTER_S = 2
const TENANT_CHARS_MAX = 64

const shown = {
  querystring: z
    .object({
      kind: z.enum(subjectKinds).optional(),
      tenant: z.string().min(1).max(TENANT_CHARS_MAX).optional(),
    })
    .strict(),
  response: { 200: ledgerSchema },
}
const summary = 'What was accepted and where it is: done, in flight, waiting, parked, dead, discarded, or nowhere'

/** `GET /api/ledger`: as statistics has it, which is asked over the bus. */
export function serveLedger(http: Http, operations: Pick<Operations, 'findAsker'>): void {
  http.get('/api/ledger', { schema: { ...shown, tags: ['ledger'], summary } }, async ({ query }) =>
    filterLedger(await askLedger(operations), query),
  )
}

/** Throws HttpProblem 503 when nobody tells. */
async function askLedger({ findAsker }: Pick<Operations, 'findAsker'>): Promise<Ledger> {
  const asker = findAsker()
  if (!asker) throw away('The message broker was not there yet')
  let answer: Event | undefined
  try {
    answer = await asker.ask('statistics_ask', { type: 'LEDGER_ASKED' }, { withinMs: ANSWER_MS_MAX })
  } catch (error) {
    if (error instanceof NobodyThereError) throw away(error.message.replace(/[.\s]+$/, ''))
    if (error instanceof TooManyQuestionsError) throw away('Too many questions wait for an answer')
    throw error
  }
  if (answer?.type !== 'LEDGER_TOLD') throw away(`Statistics has not answered within ${ANSWER_MS_MAX / 1_000} s`)
  const ledger = ledgerSchema.safeParse(answer.data.ledger)
  if (!ledger.success) throw away('What answers for statistics is of another version')
  return ledger.data
}

const away = (why: string) =>
  unavailable(`${why}: statistics keeps the ledger, and goes on with it when it is back.`, RETRY_AFTER_S)
