import { useTimes } from '../times.ts'

/** A time in short, the same in every list and detail. Hovering shows it in full, with its zone. */
export function Moment({ at }: { at: string }) {
  const times = useTimes()
  return (
    <time dateTime={at} title={times.whole(at)}>
      {times.moment(at)}
    </time>
  )
}
