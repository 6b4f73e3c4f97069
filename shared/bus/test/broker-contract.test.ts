import { describe } from 'vitest'
import { consuming } from './contract-consuming.ts'
import { crashing, expiring } from './contract-dead-letters.ts'
import { listening } from './contract-listening.ts'
import { publishing } from './contract-publishing.ts'
import { brokers } from './contract-rig.ts'
import { declaring } from './contract-topology.ts'

// One suite, two brokers: what holds here may be relied on, and the in-memory one may stand in for the other.
describe.each(brokers)('$broker', ({ start }) => {
  describe('quorum queues', () => {
    publishing(start, 'quorum')
    consuming(start, 'quorum')
    expiring(start, 'quorum')
    crashing(start, 'quorum')
    declaring(start, 'quorum')
  })

  listening(start)

  describe('classic queues', () => {
    consuming(start, 'classic')
    expiring(start, 'classic')
  })
})
