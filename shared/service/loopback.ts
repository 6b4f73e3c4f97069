/** Whether an address or host name is this machine's loopback: `127.0.0.0/8`, `::1` (also as mapped IPv4) or `localhost`. */
export const isLoopback = (host: string) =>
  host === 'localhost' || host === '::1' || /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
