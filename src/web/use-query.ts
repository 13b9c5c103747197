import { useCallback, useEffect, useRef, useState } from 'react'

export type Query<Data> = {
  /** The latest answer, which stays while the next one loads. */
  data: Data | undefined
  error: unknown
  loading: boolean
  reload: () => Promise<void>
}

/**
 * Queries when the page opens and whenever `key` changes. Ignores answers that arrive after a newer query. `known` is the
 * answer for the first key, if it is known already.
 */
export function useQuery<Data>(key: string, ask: () => Promise<Data>, known?: Data): Query<Data> {
  const [state, setState] = useState<{ data?: Data; error?: unknown; loading: boolean }>(
    known === undefined ? { loading: true } : { data: known, loading: false },
  )
  const knownKey = useRef(known === undefined ? undefined : key)
  const newest = useRef(0)
  const asking = useRef(ask)
  asking.current = ask

  const reload = useCallback(async () => {
    const turn = ++newest.current
    setState(({ data }) => ({ ...(data !== undefined && { data }), loading: true }))
    try {
      const data = await asking.current()
      if (turn === newest.current) setState({ data, loading: false })
    } catch (error) {
      if (turn === newest.current) setState({ error, loading: false })
    }
  }, [])

  // `key` stands for what `ask` uses.
  useEffect(() => {
    if (knownKey.current !== key) void reload()
    knownKey.current = undefined
    return () => {
      newest.current++
    }
  }, [key, reload])

  return { data: state.data, error: state.error, loading: state.loading, reload }
}
