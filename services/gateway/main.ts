import { connectService } from '../../shared/bus/service-bus.ts'
import { runService } from '../../shared/service/lifecycle.ts'
import { gateway } from './service.ts'

await runService(gateway, { connect: connectService })
