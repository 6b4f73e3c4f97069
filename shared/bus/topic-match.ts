/**
 * Whether a topic binding hears a routing key, as AMQP 0-9-1 says: words are separated by dots, `*` stands for exactly one
 * word and `#` for any number of them, also none. Both are wildcards only as whole words, and an empty key has no word.
 */
export function topicMatches(pattern: string, key: string): boolean {
  return wordsMatch(wordsOf(pattern), wordsOf(key))
}

const wordsOf = (text: string) => (text === '' ? [] : text.split('.'))

/** Greedy with one place to come back to: after a mismatch the latest `#` swallows one word more. */
function wordsMatch(pattern: readonly string[], words: readonly string[]): boolean {
  let [p, w] = [0, 0]
  let hash: { p: number; w: number } | undefined
  while (w < words.length) {
    if (pattern[p] === '#') {
      hash = { p, w }
      p += 1
    } else if (p < pattern.length && (pattern[p] === '*' || pattern[p] === words[w])) {
      p += 1
      w += 1
    } else if (hash) {
      hash.w += 1
      p = hash.p + 1
      w = hash.w
    } else return false
  }
  return pattern.slice(p).every((word) => word === '#')
}
