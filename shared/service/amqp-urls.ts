/** What a comma separates: only in front of another address, because a password may hold one. */
const BETWEEN = /\s*,\s*(?=amqps?:\/\/)/

/** The addresses in a setting: one, or those of the nodes of one cluster with commas between them. */
export const amqpUrlsIn = (setting: string): readonly string[] => setting.trim().split(BETWEEN)

/** The virtual host of an address, or of all in a setting, as RabbitMQ's clients read it: without a path it is `/`. */
export function vhostIn(setting: string): string {
  const [first = ''] = amqpUrlsIn(setting)
  const { pathname } = new URL(first)
  return pathname.length > 1 ? decodeURIComponent(pathname.slice(1)) : '/'
}
