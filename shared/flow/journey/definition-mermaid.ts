import type { Definition, Step } from './definition.ts'

/** Characters of a condition that are shown. */
const CONDITION_CHARS_MAX = 60

/** How the states of steps are drawn: https://mermaid.js.org/syntax/flowchart.html#classes */
const styles: ReadonlyMap<string, string> = new Map([
  ['pending', 'fill:#ffffff,stroke:#999999,color:#666666'],
  ['running', 'fill:#cfe2ff,stroke:#0d6efd,color:#000000'],
  ['retrying', 'fill:#fff3cd,stroke:#ffc107,color:#000000'],
  ['done', 'fill:#d1e7dd,stroke:#198754,color:#000000'],
  ['skipped', 'fill:#eeeeee,stroke:#999999,color:#666666,stroke-dasharray:4'],
  ['failed', 'fill:#f8d7da,stroke:#dc3545,color:#000000'],
  ['abandoned', 'fill:#f8d7da,stroke:#dc3545,color:#000000,stroke-dasharray:4'],
])

/**
 * A definition as a mermaid flowchart: steps with their activities and conditions, dotted what takes a step back. With states, by the
 * name of the step, each is coloured by its own.
 */
export function toMermaid({ steps }: Pick<Definition, 'steps'>, states: Readonly<Record<string, string>> = {}): string {
  const ids = new Map(steps.map(({ name }, i) => [name, `s${i}`]))
  const idOf = (name: string) => ids.get(name) ?? ''
  const stateOf = (name: string) => (Object.hasOwn(states, name) ? (states[name] ?? '') : '')
  const used = [...styles].filter(([state]) => steps.some(({ name }) => stateOf(name) === state))
  return [
    'flowchart TD',
    ...steps.map((step) => `  ${idOf(step.name)}["${labelOf(step)}"]${classed(stateOf(step.name))}`),
    ...steps.flatMap(({ name, after }) => after.map((before) => `  ${idOf(before)} --> ${idOf(name)}`)),
    ...steps.flatMap(({ name, compensate }) =>
      compensate ? [`  ${idOf(name)} -. undo .-> ${idOf(name)}u(["${escaped(compensate.activity)}"])`] : [],
    ),
    ...used.map(([state, style]) => `  classDef ${state} ${style}`),
    '',
  ].join('\n')
}

const classed = (state: string) => (styles.has(state) ? `:::${state}` : '')

function labelOf({ name, activity, when }: Step): string {
  const lines = [`<b>${escaped(name)}</b>`]
  if (activity !== name) lines.push(escaped(activity))
  if (when) lines.push(`<i>when ${escaped(short(when.text))}</i>`)
  return lines.join('<br/>')
}

const short = (text: string) => (text.length > CONDITION_CHARS_MAX ? `${text.slice(0, CONDITION_CHARS_MAX)}...` : text)

/** By character codes, as mermaid has them: quotes end a label, and `#` begins a code. */
const escaped = (text: string) =>
  text.replaceAll(/[^\w .,=!?()+*/'-]/gu, (letter) => (/\s/.test(letter) ? ' ' : `#${letter.codePointAt(0) ?? 63};`))
