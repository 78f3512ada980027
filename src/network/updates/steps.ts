/**
 * The messages of a round's steps, out and in: made only where the rounds of the federation have such
 */
import { StepSender } from './step-sender.ts'
import { StepServer } from './step-server.ts'
import type { StepLimits } from '../../interface.ts'
import type { StepRules } from '../signed/step-header.ts'
import type { StepSenderComponents } from './step-sender.ts'
import type { StepServerComponents } from './step-server.ts'

export interface Steps {
  sender: StepSender
  server: StepServer
}

/** Undefined without limits: then nothing is registered, and nobody can send anything */
export function createSteps (components: StepSenderComponents & StepServerComponents, { limits, ...rules }: Omit<StepRules, 'limits'> & { limits: StepLimits | undefined }): Steps | undefined {
  return limits === undefined ? undefined : { sender: new StepSender(components, { ...rules, limits }), server: new StepServer(components, { ...rules, limits }) }
}
