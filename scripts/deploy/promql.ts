/** A metric that an expression asks for, with the labels by which it chooses or groups. */
export type Asked = { readonly metric: string; readonly labels: readonly string[] }

/** What may be written besides metrics, labels, numbers and texts. */
const words = new Set(
  'and or unless by without on ignoring group_left group_right offset bool sum min max avg count absent rate increase delta histogram_quantile min_over_time max_over_time avg_over_time time topk clamp_min'.split(
    ' ',
  ),
)
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)/g
const SELECTED = /([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?/g
const NAMES = /[a-zA-Z_]\w*/g
const MATCHER = /^\s*([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*""\s*$/

/**
 * Finds what an expression of Prometheus asks for. It reads names only, and knows no more functions than we use; throws for brackets that
 * do not match, and for a matcher that is none.
 */
export function askedBy(expression: string): readonly Asked[] {
  // Texts first: what is in them is nobody's name.
  const bare = expression.replace(/"(?:[^"\\]|\\.)*"/g, '""')
  checkBrackets(bare, expression)
  const grouping = [...bare.matchAll(GROUPING)].flatMap(([, labels = '']) => labels.match(NAMES) ?? [])
  const rest = bare.replace(GROUPING, ' ').replace(/\[[^\]]*\]|\boffset\s+\w+/g, '')
  const asked = [...rest.matchAll(SELECTED)]
    .filter(([, name = '']) => !words.has(name))
    .map(([, metric = '', matchers]) => ({ metric, labels: [...labelsOf(matchers, expression), ...grouping] }))
  return asked
}

function labelsOf(matchers: string | undefined, expression: string): readonly string[] {
  if (matchers === undefined || matchers.trim() === '') return []
  return matchers.split(',').map((matcher) => {
    const [, label] = MATCHER.exec(matcher) ?? []
    if (label === undefined) throw new Error(`In ${expression}: "${matcher}" chooses by no label.`)
    return label
  })
}

function checkBrackets(bare: string, expression: string): void {
  const open: string[] = []
  const pairs: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' }
  for (const sign of bare.match(/[()[\]{}]/g) ?? []) {
    const opened = pairs[sign]
    if (opened === undefined) open.push(sign)
    else if (open.pop() !== opened) throw new Error(`In ${expression}: "${sign}" closes what is not open.`)
  }
  if (open.length > 0) throw new Error(`In ${expression}: "${open.join('')}" is never closed.`)
}
