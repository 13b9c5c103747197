import { useTimes } from '../times.ts'
import { MomentIn } from './moment-in.tsx'

/** `MomentIn` in the visitor's language. */
export function Moment({ at }: { at: string }) {
  return <MomentIn at={at} times={useTimes()} />
}
