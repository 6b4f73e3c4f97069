import { basename } from 'node:path'
import { z } from 'zod'
import { readDefinition } from '../../shared/flow/journey/definition-check.ts'
import { ApiError } from '../cli/api.ts'
import type { Cli } from '../cli/cli.ts'
import { definitionsPath } from '../cli/definition.ts'
import { type ExitCode, exitCodes } from '../cli/exit-code.ts'
import { parseJson, readText } from '../cli/json-input.ts'
import { asText, value } from '../cli/options.ts'
import { tableOf } from '../cli/table.ts'
import { verb } from '../cli/verb.ts'
import { lineOf } from '../cli/wording.ts'

const registeredSchema = z.looseObject({
  type: z.string(),
  version: z.number(),
  warnings: z.array(z.string()).default([]),
})

/** What came of one file. */
type Result = {
  readonly file: string
  readonly result: 'registered' | 'same' | 'refused' | 'good' | 'bad'
  readonly type?: string
  readonly version?: number
  readonly warnings?: readonly string[]
  readonly faults?: readonly string[]
}

export const registerVerb = verb({
  name: 'register <files...>',
  says: 'Register definitions. What is registered already is left alone; a version never changes.',
  examples: [
    'ebs definition register docs/examples/journeys/order.json',
    "ebs definition register docs/examples/journeys/order.json docs/examples/journeys/gift.json --reason 'release 1.4'",
  ],
  options: { reason: value('--reason <text>', 'why, for the history (default: the name of the file)', asText) },
  async run(cli, { reason }, files) {
    // All are read before one is registered.
    const documents = files.map((file) => ({ file, document: parseJson(readText(file), file) }))
    const results: Result[] = []
    for (const { file, document } of documents)
      results.push(await register(cli, { file, document, reason: reason ?? basename(file) }))
    tell(cli, results)
    return codeOf(results, 'refused')
  },
})

export const checkVerb = verb({
  name: 'check <files...>',
  says: 'Check definitions here, without a hub: everything that is wrong with them, and what is suspicious.',
  examples: ['ebs definition check docs/examples/journeys/order.json docs/examples/journeys/gift.json'],
  options: {},
  async run(cli, _given, files) {
    const results = files.map((file) => check(file, parseJson(readText(file), file)))
    tell(cli, results)
    return codeOf(results, 'bad')
  },
})

type Registering = { readonly file: string; readonly document: unknown; readonly reason: string }

async function register(cli: Cli, { file, document, reason }: Registering): Promise<Result> {
  const headers = { 'x-ebs-actor': headerOf(cli.actor), 'x-ebs-reason': headerOf(reason) }
  try {
    const request = { body: document, headers }
    const { status, body } = await cli.api('hub').post(definitionsPath, registeredSchema, request)
    return { file, result: status === 201 ? 'registered' : 'same', ...body }
  } catch (error) {
    // Of another file more may come.
    if (!(error instanceof ApiError) || !REFUSED.includes(error.status)) throw error
    return { file, result: 'refused', faults: [error.message] }
  }
}

const REFUSED: readonly number[] = [400, 409, 413, 422]

/** UTF-8 as the bytes of a header: node takes no others. */
const headerOf = (text: string) => Buffer.from(lineOf(text)).toString('latin1')

function check(file: string, document: unknown): Result {
  const read = readDefinition(document)
  if (!read.ok) return { file, result: 'bad', faults: read.faults }
  const { type, version } = read.definition
  return { file, result: 'good', type, version, warnings: read.warnings }
}

function tell(cli: Cli, results: readonly Result[]): void {
  cli.answer({ items: results }, (sheet) => tableOf(columns, results, sheet))
  if (cli.isJson) return
  for (const { file, faults = [], warnings = [] } of results) {
    for (const fault of faults) cli.say(`${file}: ${fault}`)
    for (const warning of warnings) cli.say(`${file}: warning: ${lineOf(warning)}`)
  }
}

const columns = [
  { head: 'FILE', of: ({ file }: Result) => file },
  { head: 'TYPE', of: ({ type }: Result) => type },
  { head: 'VERSION', of: ({ version }: Result) => version, isNumber: true },
  { head: 'RESULT', of: ({ result }: Result) => result, isWhole: true },
] as const

function codeOf(results: readonly Result[], failure: Result['result']): ExitCode {
  const failed = results.filter(({ result }) => result === failure).length
  if (failed === 0) return exitCodes.ok
  return failed === results.length ? exitCodes.usage : exitCodes.partly
}
