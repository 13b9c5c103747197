'use strict'
const path = require('node:path')
const { pathToFileURL, fileURLToPath } = require('node:url')
const vm = require('node:vm')

/** The modules that all test files of this worker share, by their path or, in packages and in Node, by their URL. */
const modules = new Map()
/** The globals that they have set, which stay. */
const globals = new Set()
/** The source maps of those that were transformed, by path. */
const sourceMaps = new Map()

/** The module of a package, or of Node, with the exports of the one that Node has loaded. */
function sharedPackage(url) {
  return once(url, async () => {
    const exported = await import(url)
    const names = Object.keys(exported)
    const copyExports = () => {
      for (const name of names) module.setExport(name, exported[name])
    }
    const module = new vm.SyntheticModule(names, copyExports, { identifier: url })
    await module.link(() => {})
    await module.evaluate()
    return module
  })
}

/** A module of this project, evaluated. What it imports is shared too. `transform` returns the JavaScript of a file. */
function sharedSource(file, transform) {
  return keepingGlobals(async () => {
    const module = await linked(file, transform)
    await module.evaluate()
    return module
  })
}

/** Links each module once, because two graphs that are linked at the same time cannot share one. */
let turn = Promise.resolve()
function linked(file, transform) {
  const result = turn.then(async () => {
    const module = await source(file, transform)
    if (module.status === 'unlinked')
      await module.link((name, { identifier }) => find(name, identifier, transform))
    return module
  })
  turn = result.catch(() => {})
  return result
}

function find(name, from, transform) {
  const isSource = name.startsWith('.') || name.startsWith('file:')
  if (!isSource) return sharedPackage(name)
  const file = name.startsWith('file:') ? fileURLToPath(name) : path.resolve(path.dirname(from), name)
  return source(file, transform)
}

function source(file, transform) {
  return once(file, async () => {
    const { code, sourceMapPath } = transform(file)
    if (sourceMapPath) sourceMaps.set(file, sourceMapPath)
    return new vm.SourceTextModule(code, {
      identifier: file,
      initializeImportMeta: meta => {
        meta.url = pathToFileURL(file).href
        meta.filename = file
        meta.dirname = path.dirname(file)
      },
      importModuleDynamically: async (name, { identifier }) =>
        name.startsWith('.') || name.startsWith('file:')
          ? sharedSource((await find(name, identifier, transform)).identifier, transform)
          : sharedPackage(name),
    })
  })
}

function once(key, load) {
  const loading = modules.get(key) ?? keepingGlobals(load)
  modules.set(key, loading)
  return loading
}

/** The loads in progress. A file can end before them, if it failed. */
const pending = new Set()

function keepingGlobals(load) {
  const before = new Set(Reflect.ownKeys(globalThis))
  const loading = load().finally(() => {
    for (const name of Reflect.ownKeys(globalThis)) if (!before.has(name)) globals.add(name)
    pending.delete(loading)
  })
  pending.add(loading)
  return loading
}

/** Resolves when nothing is being loaded. */
async function allLoaded() {
  while (pending.size > 0) await Promise.allSettled(pending)
}

module.exports = { allLoaded, globals, sharedPackage, sharedSource, sourceMaps }
