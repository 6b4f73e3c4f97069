import { connectService } from '../../shared/bus/service-bus.ts'
import { runService } from '../../shared/service/lifecycle.ts'
import { processor } from './service.ts'

await runService(processor, { connect: connectService })
