import { Loader } from '@mantine/core'
import { useEffect, useState } from 'react'
import { useText } from '../language.tsx'

/** Long enough that fast answers show no spinner. */
const SPINNER_DELAY_MS = 250

export function Waiting() {
  const { common } = useText()
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(setLate, SPINNER_DELAY_MS, true)
    return () => clearTimeout(timer)
  }, [])
  return (
    <main style={{ flex: 1, display: 'grid', placeItems: 'center' }} aria-busy="true">
      {late ? <Loader type="dots" role="status" aria-label={common.loading} /> : null}
    </main>
  )
}
