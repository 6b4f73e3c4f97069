import { styleText } from 'node:util'
import type { Screen } from './terminal.ts'

const COLOUR_OF = {
  green: ['active', 'closed', 'completed', 'success', 'handled', 'ready', 'done'],
  yellow: [
    'starting',
    'resuming',
    'resolving',
    'draining',
    'paused',
    'not ready',
    'parked',
    'overdue',
    'accepted',
    'running',
    'retrying',
    'compensated',
  ],
  red: ['stopped', 'failed', 'failure', 'error', 'dead', 'away', 'cancelled', 'needs_remediation', 'abandoned'],
} as const
export type Colour = keyof typeof COLOUR_OF
type Style = Colour | 'bold'

const colours: readonly Colour[] = ['green', 'yellow', 'red']

/** Paints text, or leaves it as it is where colours are not wanted. */
export type Paint = (style: Style, text: string) => string

/** Colours only on a terminal whose user wants them. */
export const painter =
  (screen: Screen, isColourful: boolean): Paint =>
  (style, text) =>
    // The stream was looked at already; node's own check would look at this process' stdout.
    screen.isTTY && isColourful ? styleText(style, text, { validateStream: false }) : text

/** A status in its colour, if it has one. */
export function paintStatus(paint: Paint, status: string): string {
  const plain = status.toLowerCase()
  const colour = colours.find((name) => COLOUR_OF[name].some((word) => word === plain))
  return colour ? paint(colour, status) : status
}
