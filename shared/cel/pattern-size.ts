/** How large a pattern is, before RE2 compiles it: `a{1000}` makes a thousand instructions out of seven characters. */

/** Longer ones nobody reads; and each character may be a class with hundreds of ranges. */
export const PATTERN_CHARS_MAX = 1_000

/** What stands for one thing, or for nothing: quoted text, escapes, classes, the beginning of a group, what repeats. */
const TOKEN =
  /\\Q(?<quoted>.*?)(?:\\E|$)|\\[pPx]\{[^}]*\}|\\.|\[\^?\]?(?:\\.|\[:[^\]]*:\]|[^\]\\])*\]|\(\?[a-zA-Z-]+\)|\((?:\?(?:P?<\w+>|[a-zA-Z-]*:))?|\{(?<least>\d+)(?<open>,)?(?<most>\d*)\}|[\s\S]/gsu

/**
 * Instructions that RE2 makes of a pattern: never fewer, and hardly more. One that RE2 refuses has some number, too. Takes time in
 * proportion to its characters.
 */
export function patternSizeOf(pattern: string): number {
  /** What stands before each group that is open. */
  const outer: number[] = []
  let sum = 0
  /** Of what a repetition would repeat. */
  let last = 0
  const put = (size: number) => {
    sum += size
    last = size
  }
  for (const { 0: token, groups = {} } of pattern.matchAll(TOKEN)) {
    const { quoted, least, open, most } = groups
    // Nothing in quotes: what repeats behind them is what stands before them.
    if (quoted === '') continue
    if (quoted !== undefined) put(quoted.length)
    else if (least !== undefined) {
      const isEndless = open !== undefined && most === ''
      const copies = sizeRepeated(last, Number(least), open ? Number(most || Number(least) + 1) : undefined)
      const repeated = isEndless ? copies + STAR_SIZE - 1 : copies
      sum += repeated - last
      last = repeated
    } else if (token.startsWith('(')) {
      // Only flags: what repeats behind them is what stands before them.
      if (token.endsWith(')')) continue
      outer.push(sum)
      sum = 0
      last = 0
    } else if (token === ')') {
      const group = sum + GROUP_SIZE
      sum = outer.pop() ?? 0
      put(group)
    } else if (token === '|') sum += CHOICE_SIZE
    else if (/^[*+?]$/.test(token)) {
      const added = token === '*' ? STAR_SIZE : 1
      sum += added
      last += added
    } else put(1)
  }
  return outer.reduce((all, one) => all + one, sum) + PROGRAM_SIZE
}

/** Each copy that may be left out begins with a choice. */
const sizeRepeated = (size: number, least: number, most = least) =>
  size * Math.max(1, least, most) + Math.max(0, most - least)

/** A group notes where it begins and ends, and may have nothing in it. */
const GROUP_SIZE = 3
/** Of what may match nothing, such as `^`, RE2 makes `(?:^+)?`. */
const STAR_SIZE = 2
/** One side may have nothing in it. */
const CHOICE_SIZE = 2
/** Any program begins and ends. */
const PROGRAM_SIZE = 3
