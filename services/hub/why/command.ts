import type { Command } from './answer.ts'

/** What no shell reads as anything but itself. */
const PLAIN = /^[\w.:@+][\w.:@+-]*$/

/** A word as a shell takes it, whatever is in it: ids, rules and queues are named by strangers. */
export const quoted = (word: string): string => (PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** A command about this id that is safe to paste; `options` are ready words. What begins with a dash is no option. */
export function commandFor(
  verb: string,
  id: string,
  { options = '', does }: { options?: string; does: string },
): Command {
  const words = id.startsWith('-') ? [verb, options, '--', quoted(id)] : [verb, quoted(id), options]
  return { command: words.filter((word) => word !== '').join(' '), does }
}

/** The option that every act needs: somebody fills it in. */
export const REASON = "--reason '…'"

/** A terminal shows such characters as a blank or not at all: what is copied would name something else. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u
export const canBePasted = ({ command }: Command): boolean => !UNSEEN.test(command)
