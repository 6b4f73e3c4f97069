import { describe } from 'vitest'
import { browsing } from './contract-browsing.ts'
import { consuming } from './contract-consuming.ts'
import { crashing, expiring } from './contract-dead-letters.ts'
import { listening } from './contract-listening.ts'
import { publishing } from './contract-publishing.ts'
import { brokers } from './contract-rig.ts'
import { following } from './contract-streams.ts'
import { declaring } from './contract-topology.ts'

// One suite, two brokers: what holds here may be relied on, and the in-memory one may stand in for the other.
describe.each(brokers)('$broker', ({ start }) => {
  describe('quorum queues', () => {
    publishing(start, 'quorum')
    consuming(start, 'quorum')
    expiring(start, 'quorum')
    crashing(start, 'quorum')
    browsing(start, 'quorum')
    declaring(start, 'quorum')
  })

  listening(start)
  following(start)

  describe('classic queues', () => {
    consuming(start, 'classic')
    browsing(start, 'classic')
    expiring(start, 'classic')
  })
})
