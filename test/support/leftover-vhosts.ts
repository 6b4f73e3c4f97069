import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { findTestConfig } from '../config.ts'
import { forgetLetGo } from './let-go.ts'
import { call, LET_GO_MS, vhostPrefix } from './vhost.ts'

const vhosts = z.array(z.object({ name: z.string() }))

/** After all tests: deletes the virtual hosts that are left on a broker which will outlive them. */
export async function teardown(): Promise<void> {
  await forgetLetGo(process.pid)
  const config = findTestConfig()
  if (!config?.isShared) return
  const { managementUrl } = config
  await pause(LET_GO_MS)
  const listed = vhosts.parse(await call(managementUrl, { method: 'GET', path: '/api/vhosts', body: undefined }))
  for (const { name } of listed.filter((vhost) => vhost.name.startsWith(vhostPrefix(process.pid))))
    await call(managementUrl, { method: 'DELETE', path: `/api/vhosts/${name}`, body: undefined })
}
