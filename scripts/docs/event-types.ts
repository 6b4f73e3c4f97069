import { catalogue, type EventType, isEventType } from '../../shared/events.ts'

/** All events, in the order of the catalogue. */
export const eventTypes: readonly EventType[] = Object.keys(catalogue).filter(isEventType)
