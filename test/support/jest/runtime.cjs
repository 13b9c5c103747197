'use strict'
const { existsSync, readFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const path = require('node:path')
const { pathToFileURL } = require('node:url')
const vm = require('node:vm')
const { default: Runtime } = require('jest-runtime')
const { sharedPackage, sharedSource, sourceMaps } = require('./shared-modules.cjs')
// The server imports it first. A test can import a part of the server that declares types before that.
require('reflect-metadata')

const PACKAGES = `${path.sep}node_modules${path.sep}`
/** They look at the globals of a test file when they load. */
const OF_BROWSERS = /\/node_modules\/(?:react|react-dom|scheduler|@apollo\/client|@?urql(?:\/core)?)\//
/** What TypeGraphQL knows of all classes is in a global of this name. */
const TYPES = 'TypeGraphQLMetadataStorage'

/** What EsmLoader returns if it cannot load modules synchronously. */
const LOAD_ASYNC = 'load-async'
const ESM_OPTIONS = {
  isInternalModule: false,
  supportsDynamicImport: true,
  supportsExportNamespaceFrom: true,
  supportsStaticESM: true,
  supportsTopLevelAwait: true,
}

/**
 * Jest's loader of modules, except that packages and the server's modules are loaded once in a worker. Jest loads all of
 * them anew for each test file, which takes longer than most files run. The server keeps its state in the app, so a test
 * notices nothing. A file that declares types or resolvers has modules of its own, because TypeGraphQL remembers them.
 *
 * Works with environment.cjs, whose realm is that of the modules. It replaces methods of jest-runtime that are not
 * public: look here after an update.
 */
module.exports = class SharingRuntime extends Runtime {
  constructor(...args) {
    super(...args)
    const { rootDir } = this._config
    const sources = [path.join(rootDir, 'src') + path.sep, path.join(rootDir, 'test/generated') + path.sep]
    const ofPages = ['client', 'web'].map(folder => path.join(rootDir, 'src', folder) + path.sep)
    const hasOwn = declaresTypes(this._testPath, path.join(rootDir, 'src/index.ts'))
    if (hasOwn) delete globalThis[TYPES]

    const isPackage = file => file.includes(PACKAGES) && !file.endsWith('.json') && !OF_BROWSERS.test(file)
    // It is a program: each import with a query of its own runs it.
    const cli = path.join(rootDir, 'src/cli/main.ts')
    const isSource = file =>
      !hasOwn &&
      file !== cli &&
      sources.some(folder => file.startsWith(folder)) &&
      !ofPages.some(folder => file.startsWith(folder))
    const shared = file => {
      if (isPackage(file)) return sharedPackage(pathToFileURL(file).href)
      return isSource(file) ? sharedSource(file, each => this.#transform(each)) : undefined
    }
    for (const [file, map] of sourceMaps) this.getSourceMaps().set(file, map)

    const { cjsLoader, esmLoader, executor } = this
    const { loadCjsAsEsm, loadEsmModule, tryLoadGraphSync } = esmLoader
    Object.assign(esmLoader, {
      // Undefined stands for this realm.
      getContext: () => undefined,
      tryLoadGraphSync: (file, suffix, mode, from) =>
        mode === 'sync-preferred' ? LOAD_ASYNC : tryLoadGraphSync.call(esmLoader, file, suffix, mode, from),
      loadEsmModule: (file, suffix) => shared(file) ?? loadEsmModule.call(esmLoader, file, suffix),
      loadCjsAsEsm: (from, file, suffix, context) =>
        shared(file) ?? loadCjsAsEsm.call(esmLoader, from, file, suffix, context),
    })

    const { requireModule } = cjsLoader
    cjsLoader.requireModule = (from, name, options, isRequireActual) => {
      const isOfTest = name && !options?.isInternalModule && !this._resolution.isCoreModule(name)
      const file = isOfTest && this._resolution.resolveCjs(from, name)
      if (file && isPackage(file)) return createRequire(from)(file)
      return requireModule.call(cjsLoader, from, name, options, isRequireActual)
    }

    executor.compile = (code, filename) =>
      vm.compileFunction(code, executor.injectedModuleParameters, {
        filename,
        importModuleDynamically: specifier => executor.dynamicImport(specifier, filename, undefined),
      })
  }

  #transform(file) {
    const code = this.transformCache.transform(file, ESM_OPTIONS)
    return { code, sourceMapPath: this.getSourceMaps().get(file) }
  }
}

/** The imports of each file. */
const imports = new Map()

/** Whether a file, or one that it imports from outside of the server, declares types or resolvers as a program does. */
function declaresTypes(file, entry, seen = new Set()) {
  if (file === entry) return true
  if (seen.has(file) || file.startsWith(path.dirname(entry) + path.sep) || !existsSync(file)) return false
  seen.add(file)
  const names = imports.get(file) ?? importsOf(file)
  imports.set(file, names)
  return names.some(name => {
    if (name.startsWith('.')) return declaresTypes(path.resolve(path.dirname(file), name), entry, seen)
    return name === 'type-graphql' || name === 'authograph'
  })
}

function importsOf(file) {
  const found = readFileSync(file, 'utf8').matchAll(/(?:from|import\() ?'([^']+)'/g)
  return Array.from(found, ([, name]) => name)
}
