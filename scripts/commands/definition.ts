import { z } from 'zod'
import { definitionJsonSchema } from '../../shared/flow/journey/definition-document.ts'
import { toMermaid } from '../../shared/flow/journey/definition-mermaid.ts'
import { definitionsPath, findDefinition, readRegistered } from '../cli/definition.ts'
import { definitionText } from '../cli/definition-picture.ts'
import { UsageError } from '../cli/exit-code.ts'
import { itemSchema, listVerb } from '../cli/listing.ts'
import { asNumber, asText, flag, value } from '../cli/options.ts'
import { pathOf } from '../cli/showing.ts'
import { tableOf } from '../cli/table.ts'
import { verb } from '../cli/verb.ts'
import { ageOf } from '../cli/wording.ts'
import { checkVerb, registerVerb } from './definition-files.ts'

const VERSION_MAX = 1_000_000_000
const asVersion = asNumber({ min: 1, max: VERSION_MAX })

const versioned = { version: value('--version <n>', 'this version (default: the newest)', asVersion) }
const differencesSchema = z.looseObject({ differences: z.array(itemSchema) })

export const verbs = [
  registerVerb,
  checkVerb,
  listVerb({
    service: 'hub',
    path: () => definitionsPath,
    says: 'List definitions, by type, newest version first.',
    examples: ['ebs definition list --latest', 'ebs definition list --type order -o json'],
    filters: {
      type: value('--type <type>', 'only of this type', asText),
      latest: flag('--latest', 'only the newest version of each type'),
    },
    query: ({ type, latest }) => ({ type, latest: latest || undefined }),
    columns: (nowMs) => [
      { head: 'TYPE', of: ({ type }) => type, isWhole: true },
      { head: 'VERSION', of: ({ version }) => version, isNumber: true },
      { head: 'STEPS', of: ({ steps }) => (Array.isArray(steps) ? steps.length : undefined), isNumber: true },
      { head: 'AGE', of: ({ registeredAt }) => ageOf(registeredAt, nowMs), isNumber: true },
      { head: 'ACTOR', of: ({ actor }) => actor, isMinor: true },
      { head: 'DESCRIPTION', of: ({ description }) => description },
    ],
    none: 'No definition is registered.',
  }),
  verb({
    name: 'show <type>',
    says: 'Show one definition: its steps as a graph, and how each is done. Its document: -o json | jq .document',
    examples: ['ebs definition show order', 'ebs definition show order --version 1 -o json'],
    options: versioned,
    async run(cli, { version }, [type = '']) {
      const found = await findDefinition(cli.api('hub'), type, version)
      cli.answer(found, (sheet) => definitionText(found, sheet))
      return undefined
    },
  }),
  verb({
    name: 'diff <type> <from> <to>',
    says: 'Show where two versions of a type differ.',
    examples: ['ebs definition diff order 1 2'],
    options: {},
    async run(cli, _given, [type = '', from = '', to = '']) {
      const query = { from: versionOf(from), to: versionOf(to) }
      const found = await cli.api('hub').get(pathOf(definitionsPath, type, 'diff'), differencesSchema, query)
      const { differences } = found
      if (!cli.isJson && differences.length === 0) cli.say(`Versions ${from} and ${to} of ${type} say the same.`)
      else cli.answer(found, (sheet) => tableOf(differenceColumns, differences, sheet))
      return undefined
    },
  }),
  verb({
    name: 'mermaid <type>',
    says: 'Print one definition as a mermaid flowchart.',
    examples: ['ebs definition mermaid order', 'ebs definition mermaid order --version 1'],
    options: versioned,
    async run(cli, { version }, [type = '']) {
      const mermaid = toMermaid(readRegistered(await findDefinition(cli.api('hub'), type, version)))
      cli.answer({ mermaid }, () => mermaid.trimEnd())
      return undefined
    },
  }),
  verb({
    name: 'schema',
    says: 'Print the JSON Schema of definitions, for editors.',
    examples: ['ebs definition schema'],
    options: {},
    async run(cli) {
      const schema = definitionJsonSchema()
      cli.answer(schema, () => JSON.stringify(schema, null, 2))
      return undefined
    },
  }),
]

const differenceColumns = [
  { head: 'FIELD', of: ({ field }: Difference) => field },
  { head: 'FROM', of: ({ from }: Difference) => from },
  { head: 'TO', of: ({ to }: Difference) => to },
]
type Difference = z.infer<typeof itemSchema>

function versionOf(text: string): number {
  try {
    return asVersion(text)
  } catch (error) {
    throw new UsageError(`A version is a number: ${error instanceof Error ? error.message : String(error)}`)
  }
}
