import { connectService } from '../../shared/bus/service-bus.ts'
import { runService } from '../../shared/service/lifecycle.ts'
import { hub } from './service.ts'

await runService(hub, { connect: connectService })
