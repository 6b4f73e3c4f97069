import { readLoneService } from './config.ts'
import { runInProject } from './entry.ts'
import { say } from './progress.ts'
import { compiledService, startService } from './service-process.ts'
import { isServiceName, serviceNames } from './services.ts'
import { listenForStop } from './stop-requests.ts'

const EXIT_USAGE = 2

/** `npm run service -- <name>`: one service alone, with the environment as it is. Its exit status is ours. */
await runInProject(async (root) => {
  const [name, ...rest] = process.argv.slice(2)
  if (name === undefined || rest.length > 0 || !isServiceName(name)) {
    if (name !== undefined) console.error(`There is no service "${[name, ...rest].join(' ')}".`)
    console.error(`npm run service -- <name>, one of: ${serviceNames.join(', ')}`)
    return EXIT_USAGE
  }
  say(`starting ${name}`)
  const config = readLoneService(root, name)
  const service = await startService(compiledService(config, name, { ...config.env }))
  using stop = listenForStop(service.kill)
  void stop.stopped.then(service.stop)
  const { code } = await service.exited
  // Killed by a signal: some status that is not success.
  return code ?? 1
})
