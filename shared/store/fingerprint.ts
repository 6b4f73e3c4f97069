import { createHash } from 'node:crypto'

/** What is known of a death. */
export type Death = {
  readonly queue: string | null
  readonly type: string | null
  readonly error: string | null
  readonly reason: string
}

/** A longer error differs in its end only, or is a document that somebody put into a message. */
const READ_CHARS_MAX = 2_000
const TEXT_CHARS_MAX = 300
/** 48 bits: among 100,000 bugs two share one once in 50,000 systems. */
const HASH_CHARS = 12

/** The id of what dead messages have in common: queue, type, and error with ids and numbers masked. Short, to be typed. */
export function fingerprintOf(death: Death): string {
  const parts = JSON.stringify([death.queue, death.type, maskedErrorOf(death)])
  return createHash('sha256').update(parts).digest('hex').slice(0, HASH_CHARS)
}

/** The error without what differs from message to message, for people; without an error, the reason. */
export function maskedErrorOf({ error, reason }: Pick<Death, 'error' | 'reason'>): string {
  const read = (error || reason).slice(0, READ_CHARS_MAX)
  const masked = read.replace(anyMask, (...found: unknown[]) => {
    const i = masks.findIndex((_, mask) => found[mask + 1] !== undefined)
    return masks[i]?.as(String(found[0])) ?? ''
  })
  return masked.replace(REPEATED, '$1, …').replace(/\s+/g, ' ').trim().slice(0, TEXT_CHARS_MAX)
}

type Mask = { readonly finds: RegExp; readonly as: (text: string) => string }

const kept = (text: string) => text
const masked = (as: string) => () => as

const WORD = '[\\p{L}\\p{N}_]'
const NAMED = [
  ...['argument', 'attribute', 'column', 'constraint', 'field', 'function', 'header', 'index', 'method', 'module'],
  ...['option', 'parameter', 'property', 'queue', 'reading', 'relation', 'setting', 'table', 'variable'],
].join('|')
const CONSTANT = [
  ...[
    'utf-?(?:8|16)',
    'sha-?(?:1|256|384|512)',
    'md5',
    'base64',
    'http[123]',
    'ipv[46]',
    'oauth2',
    'x509',
    's3',
    'ec2',
  ],
  ...['u?int(?:8|16|32|64)', 'float(?:32|64)'],
].join('|')
const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)'
const CLOCK = '\\d{1,2}:\\d\\d(?::\\d\\d(?:[.,]\\d{1,9})?)?'

/**
 * What is masked, and what looks alike but tells bugs apart; the first that matches at a place counts. No pattern repeats over what
 * another repetition of it could match too, so that none takes longer than its text is long.
 */
const masks: readonly Mask[] = [
  // The error's class.
  { finds: /^[A-Za-z_$][\w$.]*(?:Error|Exception|Fault)\b/, as: kept },
  // The name of something in the code or in a schema: `reading 'foo'` and `reading 'bar'` are two bugs.
  {
    finds: new RegExp(`\\b(?:${NAMED})s?:? (?:'[^'\\n]{1,80}'|"[^"\\n]{1,80}"|\`[^\`\\n]{1,80}\`)`),
    as: kept,
  },
  // What went wrong, as a number.
  { finds: /\b(?:status ?(?:code)?|HTTP(?:\/\d(?:\.\d)?)?)[ :=]{1,3}[1-5]\d\d\b/, as: kept },
  { finds: /\b(?:errno|exit code|error code|SQLSTATE)[ :=]{1,3}-?\w{1,8}\b/, as: kept },
  { finds: new RegExp(`(?<!${WORD})(?:${CONSTANT})(?!${WORD})`), as: kept },
  { finds: /(?<![a-z])[a-z][a-z0-9+.]{0,20}:\/\/[^\s"'`<>)\]}]+/, as: (text) => originOf(text) },
  { finds: /[\w.+-]{1,64}@\w{1,63}(?:[.-]\w{1,63})+/, as: masked('<email>') },
  {
    finds: new RegExp(
      `\\b\\d{4}-\\d\\d-\\d\\d(?:[T ]${CLOCK}(?:Z| ?[+-]\\d\\d:?\\d\\d)?)?` +
        `|\\b${DAY},? (?:\\d{1,2} )?${MONTH}(?: \\d{1,2})?,? \\d{4} ${CLOCK}(?: (?:GMT|UTC|Z)(?:[+-]\\d{4})?)?(?: \\([^)\\n]{0,60}\\))?` +
        `|\\b\\d{1,2}:\\d\\d:\\d\\d(?:[.,]\\d{1,9})?\\b`,
    ),
    as: masked('<time>'),
  },
  // The port says which server did not answer, unless it is one that the system chose.
  { finds: /\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b/, as: (text) => `<ip>${portOf(text)}` },
  {
    finds: /(?<![\w:])\[?(?=[a-f:]{0,30}\d)(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}(?:\]:\d{1,5}|\])?(?![\w:])/,
    as: (text) => `<ip>${text.includes(']') ? portOf(text) : ''}`,
  },
  { finds: /\blocalhost:\d{1,5}\b/, as: (text) => `localhost${portOf(text)}` },
  // An apostrophe inside a word opens nothing.
  { finds: new RegExp(`(?<!${WORD})'[^'\\n]*'(?!${WORD})`), as: masked(`'…'`) },
  { finds: /"[^"\n]*"/, as: masked('"…"') },
  { finds: /`[^`\n]*`/, as: masked('`…`') },
  // Numbers, versions, and words with a digit in them: `12.5`, `o1`, `task-42`, a UUID.
  { finds: new RegExp(`(?<!${WORD})[-+]?\\d+(?:[.,]\\d+)+${WORD}*`), as: masked('#') },
  {
    finds: new RegExp(`(?<!${WORD})[-+]?${WORD}+(?:-${WORD}+)*`),
    as: (text) => (/\d/.test(text) ? '#' : text),
  },
]

const anyMask = new RegExp(masks.map(({ finds }) => `(${finds.source})`).join('|'), 'giu')
/** A list is as long as it happens to be. */
const REPEATED = /(#|<[a-z]+>|'…'|"…")(?:\s*,\s*\1){2,}/g

/** What the system gives to whoever connects, from here on. */
const EPHEMERAL_PORT_MIN = 32_768

function portOf(address: string): string {
  const port = /:(\d{1,5})$/.exec(address)?.[1]
  if (port === undefined) return ''
  return Number(port) < EPHEMERAL_PORT_MIN ? `:${port}` : ':#'
}

/** Which server, not what was asked of it. */
function originOf(url: string): string {
  const [, scheme = '', host = ''] = /^([^:]+):\/\/(?:[^/@?#]*@)?([^/?#]*)/.exec(url) ?? []
  const isWhole = url.length <= scheme.length + host.length + '://'.length
  return `${scheme}://${host.replace(/\d{1,3}(?:\.\d{1,3}){3}/, '<ip>')}${isWhole ? '' : '/…'}`
}
