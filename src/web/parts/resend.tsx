import { Button, type ButtonProps } from '@mantine/core'
import { useEffect, useState } from 'react'
import { useForm } from '../forms.ts'
import { useText } from '../language.tsx'
import { useTimes } from '../times.ts'
import { Notice } from './notice.tsx'

export type ResendProps = {
  send: () => Promise<void>
  /** The label of the button. */
  label: string
  size?: ButtonProps['size']
}

/** Sends an email again. When the server limits this, the button counts down until it works again. */
export function Resend({ send, label, size }: ResendProps) {
  const { mailed, errors } = useText()
  const times = useTimes()
  const [sent, setSent] = useState(false)
  const [waitSeconds, startWait] = useCountdown()
  const form = useForm(
    async () => {
      setSent(false)
      await send()
      setSent(true)
    },
    { inputs: [] },
  )
  const { refusal } = form
  useEffect(() => {
    if (refusal?.code === 'RATE_LIMITED') startWait(refusal.retryAfterSeconds ?? 0)
  }, [refusal, startWait])
  const waits = waitSeconds > 0
  const limited = refusal?.code === 'RATE_LIMITED' && refusal.retryAfterSeconds !== undefined
  return (
    <form onSubmit={form.onSubmit} className="stack" style={{ maxWidth: 'none' }}>
      <Notice kind="problem">{limited ? waits && errors.RATE_LIMITED : form.problem}</Notice>
      <Notice kind="success">{sent && !form.problem && mailed.resent}</Notice>
      <Button
        type="submit"
        variant="default"
        fullWidth
        loading={form.busy}
        disabled={waits}
        {...(size && { size })}
      >
        {waits ? mailed.resendIn(times.span(waitSeconds)) : label}
      </Button>
    </form>
  )
}

/** Seconds that are left, and what starts them. */
function useCountdown(): [leftSeconds: number, start: (seconds: number) => void] {
  const [until, setUntil] = useState(0)
  const [now, setNow] = useState(0)
  const [start] = useState(() => (seconds: number) => {
    setNow(Date.now())
    setUntil(Date.now() + seconds * 1000)
  })
  const leftSeconds = Math.max(0, Math.ceil((until - now) / 1000))
  const running = leftSeconds > 0
  useEffect(() => {
    if (!running) return
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [running])
  return [leftSeconds, start]
}
