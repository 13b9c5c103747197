/** Sets an entry of a map that holds up to `max`. The oldest makes room. */
export function setWithin<Value>(max: number, map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key)
  const [oldest] = map.size >= max ? map.keys() : []
  if (oldest !== undefined) map.delete(oldest)
  map.set(key, value)
}
