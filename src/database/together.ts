import DataLoader from 'dataloader'

/** Asks for the value of a key, together with others. */
type Together<Key, Value> = Pick<DataLoader<Key, Value>, 'load'>

/**
 * Gives `load` what is asked for in the same turn of the event loop, at most `max` together. As soon as a batch is full, it
 * leaves: the database works on it while this process prepares the next one. There is no cache: each call must see the
 * current rows.
 */
export function together<Key, Value>(
  load: (keys: readonly Key[]) => Promise<Value[]>,
  max = Number.POSITIVE_INFINITY,
): Together<Key, Value> {
  let size = 0
  let leave = () => {}
  const loader = new DataLoader<Key, Value>(load, {
    cache: false,
    maxBatchSize: max,
    batchScheduleFn: dispatch => {
      size = 0
      let hasLeft = false
      const leaveOnce = () => {
        if (!hasLeft) dispatch()
        hasLeft = true
      }
      leave = leaveOnce
      setImmediate(leaveOnce)
    },
  })
  return {
    load: key => {
      const value = loader.load(key)
      size++
      if (size === max) leave()
      return value
    },
  }
}

/** As `together`, for each owner, such as an app or a pool, on its own. */
export function togetherFor<Owner extends object, Key, Value>(
  load: (owner: Owner, keys: readonly Key[]) => Promise<Value[]>,
  max?: number,
): (owner: Owner, key: Key) => Promise<Value> {
  const loaders = new WeakMap<Owner, Together<Key, Value>>()
  return (owner, key) => {
    const loader = loaders.get(owner) ?? together((keys: readonly Key[]) => load(owner, keys), max)
    loaders.set(owner, loader)
    return loader.load(key)
  }
}
