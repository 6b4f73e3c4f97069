import type { ASTNode } from '@marcbachmann/cel-js'
import { CelError } from './cel-error.ts'
import { keysOf } from './keys.ts'
import type { Compile, Place, Step } from './place.ts'
import { ELEMENTS_MAX, type Frame, isMap, spend, UNCLEAR } from './values.ts'

/** What a macro does with the elements of a list (or the keys of a map), one after the other. */
type Run = (
  elements: readonly unknown[],
  each: (element: unknown) => unknown,
  transform: (element: unknown) => unknown,
) => unknown

/** One that decides ends it; otherwise one that is unclear makes all of it unclear. */
const quantifier =
  (decisive: boolean): Run =>
  (elements, each) => {
    let isClear = true
    for (const element of elements) {
      const found = each(element)
      if (found === decisive) return decisive
      if (typeof found !== 'boolean') isClear = false
    }
    return isClear ? !decisive : UNCLEAR
  }

const macros: ReadonlyMap<string, Run> = new Map<string, Run>([
  ['all', quantifier(false)],
  ['exists', quantifier(true)],
  [
    'exists_one',
    (elements, each) => {
      const found = elements.map(each)
      if (found.some((one) => typeof one !== 'boolean')) return UNCLEAR
      return found.filter((one) => one === true).length === 1
    },
  ],
  ['filter', (elements, each) => kept(elements, each, (element) => element)],
  ['map', (elements, each, transform) => kept(elements, each, transform)],
])

function kept(elements: readonly unknown[], each: (element: unknown) => unknown, transform: (one: unknown) => unknown) {
  const list: unknown[] = []
  for (const element of elements) {
    const wanted = each(element)
    if (typeof wanted !== 'boolean') return UNCLEAR
    if (!wanted) continue
    const made = transform(element)
    if (made === UNCLEAR) return UNCLEAR
    list.push(made)
  }
  return list
}

export const isMacro = (name: string) => macros.has(name)

/**
 * `event.list.exists(x, x > 2)`. Throws CelError for one inside another: their costs multiply. One behind another
 * (`list.filter(...).exists(...)`) only adds up.
 */
export function compileMacro(node: ASTNode & { op: 'rcall' }, name: string, place: Place, compile: Compile): Step {
  const { language } = place
  const [, receiver, args] = node.args
  const [element, ...conditions] = args
  const run = macros.get(name)
  const isKnown = conditions.length === 1 || (name === 'map' && conditions.length === 2)
  if (!run || element?.op !== 'id' || !isKnown)
    throw new CelError(
      language.noun,
      `${name}() takes a name and a condition, as in ${language.examples.list}.${name}(x, x > 2)`,
      node.start,
    )
  if (place.element !== undefined)
    throw new CelError(language.noun, `${name}() stands inside another macro: their costs would multiply`, node.start)
  const of = compile(receiver, place)
  const inside = { ...place, element: element.args }
  const cost = 1 + conditions.reduce((sum, condition) => sum + sizeOf(condition), 0)
  const steps = conditions.map((condition) => compile(condition, inside))
  const last = steps.at(-1)
  const condition = name === 'map' && steps.length === 1 ? undefined : steps[0]
  return (frame) => {
    const elements = elementsOf(frame, of(frame))
    if (elements === UNCLEAR) return UNCLEAR
    const each = (step: Step | undefined) => (item: unknown) => (step ? at(frame, item, step, cost) : true)
    return run(elements, each(condition), each(last))
  }
}

function at(frame: Frame, item: unknown, step: Step, cost: number): unknown {
  if (!spend(frame, cost)) return UNCLEAR
  frame.item = item
  return step(frame)
}

function elementsOf(frame: Frame, value: unknown): readonly unknown[] | typeof UNCLEAR {
  if (Array.isArray(value)) return value.length <= ELEMENTS_MAX ? value : UNCLEAR
  return isMap(value) ? keysOf(frame, value) : UNCLEAR
}

/** Nodes of a condition, and so what it costs to run it once. */
function sizeOf(part: unknown): number {
  if (Array.isArray(part)) return part.reduce<number>((sum, one) => sum + sizeOf(one), 0)
  return typeof part === 'object' && part !== null && 'op' in part && 'args' in part ? 1 + sizeOf(part.args) : 0
}
