import { datagen } from '../../services/datagen/service.ts'
import { distributor } from '../../services/distributor/service.ts'
import { gateway } from '../../services/gateway/service.ts'
import { hub } from '../../services/hub/service.ts'
import { processor } from '../../services/processor/service.ts'
import { statistics } from '../../services/statistics/service.ts'
import { type Launcher, launcherOf } from './process.ts'
import type { Role } from './story.ts'

/** The services as they are. */
export const launchers: Readonly<Record<Role, Launcher>> = {
  datagen: launcherOf(datagen),
  distributor: launcherOf(distributor),
  processor: launcherOf(processor),
  hub: launcherOf(hub),
  statistics: launcherOf(statistics),
  gateway: launcherOf(gateway),
}
