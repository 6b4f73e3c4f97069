import { connectService } from '../../shared/bus/service-bus.ts'
import { runService } from '../../shared/service/lifecycle.ts'
import { distributor } from './service.ts'

await runService(distributor, { connect: connectService })
