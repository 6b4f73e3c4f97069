import { connectService } from '../../shared/bus/service-bus.ts'
import { runService } from '../../shared/service/lifecycle.ts'
import { datagen } from './service.ts'

await runService(datagen, { connect: connectService })
