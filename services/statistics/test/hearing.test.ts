import { describe, expect, test } from 'vitest'
import { catalogue, isEventType, rowOf } from '../../../shared/events.ts'
import { isUnheard } from '../hearing.ts'

const types = Object.keys(catalogue).filter(isEventType)

describe('what nobody heard', () => {
  test.each(types)('%s under its own key is heard, or meant for nobody else', (type) => {
    expect(isUnheard(rowOf(type).key, type)).toBe(false)
  })

  test.each([
    ['a key that nobody has bound', 'hi.there', 'HELLO', true],
    ['a stranger under a key that somebody has bound', 'tasks.finished', 'HELLO', false],
    ['an event for observers under the wrong key', 'tasks.begun', 'TASK_STARTED', true],
    ['a stranger under the key of an event for observers', 'tasks.started', 'HELLO', true],
    ['the end of a group, which is for whoever has bound it', 'eventbus-collector.success', 'HELLO', true],
    ['a word more than what is bound', 'objects.completed.late', 'OBJECT_COMPLETED', true],
    ['an event that goes straight to a queue, under a key of its own', 'hi.there', 'TIMERS_DUE', true],
    ['a request for an activity', 'activity.charge.v2', 'ACTIVITY_REQUESTED', false],
    ['a request for an activity under a key of another', 'activity-charge', 'ACTIVITY_REQUESTED', true],
  ])('%s', (_, key, type, unheard) => {
    expect(isUnheard(key, type)).toBe(unheard)
    // As remembered.
    expect(isUnheard(key, type)).toBe(unheard)
  })
})
