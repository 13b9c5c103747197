import type { Times } from '../times-in.ts'

/** A time in short, the same in every list and detail. Hovering shows it in full, with its zone. */
export function MomentIn({ at, times }: { at: string; times: Pick<Times, 'moment' | 'whole'> }) {
  return (
    <time dateTime={at} title={times.whole(at)}>
      {times.moment(at)}
    </time>
  )
}
