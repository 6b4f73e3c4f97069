import { connectService } from '../../shared/bus/service-bus.ts'
import { runService } from '../../shared/service/lifecycle.ts'
import { statistics } from './service.ts'

await runService(statistics, { connect: connectService })
