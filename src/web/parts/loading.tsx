import { Loader } from '@mantine/core'
import { useEffect, useState } from 'react'
import { useText } from '../language.tsx'

/** Long enough that what comes at once does not flash. */
const QUERY_TIMEOUT_MS = 250

export function Waiting() {
  const { common } = useText()
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(setLate, QUERY_TIMEOUT_MS, true)
    return () => clearTimeout(timer)
  }, [])
  return (
    <main style={{ flex: 1, display: 'grid', placeItems: 'center' }} aria-busy="true">
      {late ? <Loader type="dots" role="status" aria-label={common.loading} /> : null}
    </main>
  )
}
