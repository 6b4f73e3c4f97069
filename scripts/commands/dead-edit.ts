import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { Cli } from '../cli/cli.ts'
import { why } from '../cli/common-options.ts'
import { canAsk } from '../cli/confirm.ts'
import { NotDoneError, UsageError } from '../cli/exit-code.ts'
import { readGiven } from '../cli/json-input.ts'
import { type Item, itemSchema } from '../cli/listing.ts'
import { value } from '../cli/options.ts'
import { pathOf, prettyBody } from '../cli/showing.ts'
import { verb } from '../cli/verb.ts'

const heldSchema = z.looseObject({ body: z.unknown() })

/** Gives one dead message another body: in an editor, or from the command line. */
export const editVerb = verb({
  name: 'edit <id>',
  says: 'Give one message another body, for when it is replayed. It is checked against its type.',
  examples: [
    "ebs dead edit 0190c5a0-7d3e-8000-8000-000000000001 --reason 'the tenant was missing'",
    "ebs dead edit 0190c5a0-7d3e-8000-8000-000000000001 --body @body.json --reason 'the tenant was missing'",
  ],
  options: {
    body: value(
      '--body <json>',
      'the new body; @file reads it from a file, @- from stdin; missing: opens $EDITOR',
      readGiven,
    ),
    ...why,
  },
  async run(cli, { body: given, reason }, [id = '']) {
    const path = pathOf('/api/dead', id)
    const save = async (body: Item) => {
      const answer = await cli.api('hub').post(`${path}/edit`, itemSchema, { body: { body, actor: cli.actor, reason } })
      cli.answer(
        answer.body,
        () => `The message ${id} has another body now. Bring it back: ebs dead replay ${id} --reason '...'`,
      )
    }
    if (given !== undefined) await save(parseBody(given))
    else await editInEditor(cli, (await cli.api('hub').get(path, heldSchema)).body, save)
    return undefined
  },
})

/** Throws UsageError when it is no JSON object. */
function parseBody(text: string): Item {
  try {
    return itemSchema.parse(JSON.parse(text))
  } catch (error) {
    const why = error instanceof SyntaxError ? error.message : 'it is no object'
    throw new UsageError(`The body is not a JSON object: ${why}.`)
  }
}

async function editInEditor(cli: Cli, body: unknown, save: (body: Item) => Promise<void>): Promise<void> {
  if (!canAsk(cli.terminal))
    throw new UsageError('There is no terminal for an editor: give the new body with --body <json> or --body @file.')
  if (body === null || body === undefined)
    throw new NotDoneError('The message is not in its place any more: there is nothing to edit.')
  const folder = mkdtempSync(join(tmpdir(), 'ebs-edit-'))
  const file = join(folder, 'body.json')
  const before = prettyBody(body)
  writeFileSync(file, `${before}\n`)
  const failure = runEditor(cli.config.editor, file)
  const after = readFileSync(file, 'utf8').trimEnd()
  if (failure === undefined && after !== before) {
    await save(parseBody(after)).catch((error: unknown) => {
      // What a person wrote is never lost.
      cli.say(`What you wrote is in ${file}: correct it there, and give it with --body @${file}`)
      throw error
    })
  }
  rmSync(folder, { recursive: true })
  if (failure !== undefined)
    throw new NotDoneError(`The editor ${cli.config.editor} failed (${failure}): nothing was changed.`)
  if (after === before) throw new NotDoneError('The body is as it was: nothing was changed.')
}

/** Waits for an editor to end; says why when it failed. */
function runEditor(editor: string, file: string): string | undefined {
  // Through a shell, because an editor may come with options: EDITOR='code --wait'.
  const { status, error } = spawnSync('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' })
  return status === 0 ? undefined : (error?.message ?? `status ${status}`)
}
