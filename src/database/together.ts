import DataLoader from 'dataloader'

/**
 * Returns a loader that gives `load` what is asked for in the same turn of the event loop, at most `max` together. As soon as
 * a batch is full, it leaves: the database works on it while this process prepares the next one. There is no cache: each
 * call must see the current rows.
 */
export function together<Key, Value>(
  load: (keys: readonly Key[]) => Promise<Value[]>,
  max = Number.POSITIVE_INFINITY,
): DataLoader<Key, Value> {
  let leave = () => {}
  return new DataLoader(load, {
    cache: false,
    maxBatchSize: max,
    batchScheduleFn: dispatch => {
      // A batch begins, so the last one has left or is full.
      leave()
      let hasLeft = false
      leave = () => {
        if (!hasLeft) dispatch()
        hasLeft = true
      }
      setImmediate(leave)
    },
  })
}
