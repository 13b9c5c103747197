export type Times = {
  /** Such as "14:03", or "20 Nov, 14:03" on another day. */
  moment: (iso: string) => string
  /** Such as "20 Nov". */
  date: (iso: string) => string
  /** Such as "20 November 2026". */
  day: (iso: string) => string
  /** Day, time and zone in full. */
  whole: (iso: string) => string
  /** Such as "30 seconds", "5 minutes" or "3 days". */
  span: (seconds: number) => string
  /** The name of the visitor's time zone, such as "South Korea Time". */
  zone: string
}

const DAYS = [86_400, 'day'] as const
/** The units of spans in seconds, each with the span from which on the next one is used. */
const SPANS = [
  [1, 'second', 90],
  [60, 'minute', 90 * 60],
  [3600, 'hour', 48 * 3600],
] as const

/** The visitor's variety of the language, such as British English. It decides the format of dates. */
function regional(tag: string): string {
  return globalThis.navigator?.languages?.find(wish => wish.split('-')[0] === tag.split('-')[0]) ?? tag
}

/** Times in the visitor's zone, written in a language of the pages. */
export function timesIn(language: string): Times {
  const tag = regional(language)
  // Each is made when it is needed: a slow phone takes some milliseconds for it.
  const format = (options: Intl.DateTimeFormatOptions) => {
    let made: Intl.DateTimeFormat | undefined
    return (at: Date) => {
      made ??= new Intl.DateTimeFormat(tag, options)
      return made.format(at)
    }
  }
  const clock = format({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  const recent = format({
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  const dayOfMonth = format({ month: 'short', day: 'numeric' })
  const date = format({ dateStyle: 'long' })
  const whole = format({ dateStyle: 'long', timeStyle: 'long' })
  return {
    moment: iso => {
      const at = new Date(iso)
      if (at.toDateString() === new Date().toDateString()) return clock(at)
      return Date.now() - at.getTime() < 300 * 86_400_000 ? recent(at) : date(at)
    },
    date: iso => dayOfMonth(new Date(iso)),
    day: iso => date(new Date(iso)),
    whole: iso => whole(new Date(iso)),
    span: seconds => {
      const [size, unit] = SPANS.find(([, , limit]) => seconds < limit) ?? DAYS
      return new Intl.NumberFormat(tag, { style: 'unit', unit, unitDisplay: 'long' }).format(
        Math.ceil(seconds / size),
      )
    },
    get zone() {
      return zoneIn(tag)
    },
  }
}

function zoneIn(tag: string): string {
  const parts = new Intl.DateTimeFormat(tag, { timeZoneName: 'longGeneric' }).formatToParts(new Date())
  const name = parts.find(({ type }) => type === 'timeZoneName')?.value
  return name ?? Intl.DateTimeFormat().resolvedOptions().timeZone
}
