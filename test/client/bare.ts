import { readFile } from 'node:fs/promises'
import path from 'node:path'
import vm from 'node:vm'
import type * as Client from '../../src/client/index.ts'

/** The web APIs that React Native has: its `fetch` is whatwg-fetch, and its signals have no reason. */
const PLATFORM = `
  globalThis.window = globalThis
  globalThis.navigator = { product: 'ReactNative' }

  class AbortSignal {
    aborted = false
    listeners = new Set()
    addEventListener(_type, listener) { this.listeners.add(listener) }
    removeEventListener(_type, listener) { this.listeners.delete(listener) }
  }
  globalThis.AbortController = class {
    signal = new AbortSignal()
    abort() {
      if (this.signal.aborted) return
      this.signal.aborted = true
      for (const listener of this.signal.listeners) listener()
    }
  }

  globalThis.Headers = class Headers {
    map = {}
    constructor(init = {}) {
      if (init instanceof Headers) Object.assign(this.map, init.map)
      else for (const name of Object.keys(init)) this.set(name, init[name])
    }
    get(name) { return this.map[name.toLowerCase()] ?? null }
    set(name, value) { this.map[name.toLowerCase()] = String(value) }
  }

  class Response {
    constructor({ status, headers, body }) {
      this.status = status
      this.headers = new Headers(headers)
      this.body_ = body
    }
    async text() { return this.body_ }
    async json() { return JSON.parse(this.body_) }
    clone() { return new Response({ status: this.status, headers: this.headers.map, body: this.body_ }) }
  }
  globalThis.fetch = (url, { method = 'GET', headers, body, signal } = {}) =>
    new Promise((resolve, reject) => {
      const abort = () => reject(Object.assign(new Error('Aborted'), { name: 'AbortError' }))
      if (signal?.aborted) return abort()
      signal?.addEventListener('abort', abort)
      send(url, { method, headers: new Headers(headers).map, body }).then(
        answer => resolve(new Response(answer)),
        () => reject(new TypeError('Network request failed')),
      )
    })
`

/** Runs the built client in a realm with React Native's APIs and none of a browser or Node. */
export async function inBareRealm(entry: string): Promise<typeof Client> {
  const send = async (url: string, init: RequestInit) => {
    const response = await fetch(url, init)
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: await response.text(),
    }
  }
  const context = vm.createContext({ send, setTimeout, clearTimeout, setInterval, clearInterval })
  vm.runInContext(PLATFORM, context)
  const modules = new Map<string, Promise<vm.SourceTextModule>>()
  const read = async (file: string): Promise<vm.SourceTextModule> =>
    new vm.SourceTextModule(await readFile(file, 'utf8'), {
      context,
      identifier: file,
      importModuleDynamically: name => evaluated(path.join(path.dirname(file), name)),
    })
  const load = (file: string): Promise<vm.SourceTextModule> => {
    const module = modules.get(file) ?? read(file)
    modules.set(file, module)
    return module
  }
  const evaluated = async (file: string): Promise<vm.SourceTextModule> => {
    const module = await load(file)
    if (module.status === 'unlinked')
      await module.link((name, from) => load(path.join(path.dirname(from.identifier), name)))
    await module.evaluate()
    return module
  }
  return (await evaluated(entry)).namespace as typeof Client
}
