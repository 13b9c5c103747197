import { type ComponentType, createElement, lazy } from 'react'

/**
 * A component of a module that loads when it is rendered, as `lazy`. After `preload`, it is rendered immediately, without the
 * placeholder in between.
 */
export function preloadable(load: () => Promise<{ default: ComponentType }>) {
  const Later = lazy(load)
  let Loaded: ComponentType | undefined
  const Preloadable = () => createElement(Loaded ?? Later)
  /** Only before the first rendering. */
  const preload = async () => {
    Loaded = (await load()).default
  }
  return Object.assign(Preloadable, { preload })
}
