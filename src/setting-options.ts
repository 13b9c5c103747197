import type { z } from 'zod'
import {
  type Config,
  ConfigError,
  type LoadOptions,
  loadConfig,
  type SettingSchemas,
  settingNames,
} from './config.ts'
import type { Environment } from './environment.ts'
import { type ProviderSettingSchemas, providerSettingNames, settingPrefix } from './provider-settings/read.ts'

/** A duration such as `30s`, `10m`, `24h` or `90d`. */
export type Duration = `${number}${'s' | 'm' | 'h' | 'd'}`

/** The option for `ACCESS_TOKEN_TTL` is `accessTokenTtl`. */
type OptionName<Name extends string> = Name extends `${infer Word}_${infer Rest}`
  ? `${Lowercase<Word>}${Capitalize<OptionName<Rest>>}`
  : Lowercase<Name>

/** What a program writes for a setting that the environment has as text. Settings of numbers coerce any input. */
type OptionValue<Input, Output> = Output extends boolean
  ? boolean
  : Output extends null
    ? 'off'
    : Output extends number
      ? number | (unknown extends Input ? never : Duration)
      : Output extends readonly (infer Item)[]
        ? readonly (Item extends string ? Item : string)[]
        : Output extends { attempts: number; windowSeconds: number }
          ? Output | `${number}/${Duration | number}`
          : Output

type OptionsOf<Schemas extends Record<string, z.ZodType>> = {
  [Name in keyof Schemas & string as OptionName<Name>]?:
    | OptionValue<z.input<Schemas[Name]>, Exclude<z.output<Schemas[Name]>, undefined>>
    | undefined
}

/** A provider that people can sign in with: its ID and its settings. As text, the ID alone. */
export type ProviderOption = string | ({ id: string } & OptionsOf<ProviderSettingSchemas>)

/**
 * Every setting as an option in code, named in camel case: `publicUrl` for `PUBLIC_URL`. Durations are seconds or text
 * such as `10m`, switches are booleans and lists are arrays.
 */
export type SettingOptions = Omit<OptionsOf<SettingSchemas>, 'providers'> & {
  providers?: readonly ProviderOption[] | undefined
}

/** The name of the option for a setting. */
export function optionName(setting: string): string {
  return setting.toLowerCase().replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase())
}

const settingOf = new Map(settingNames.map(name => [optionName(name), name]))
const providerSettingOf = new Map(providerSettingNames.map(name => [optionName(name), name]))

/** The names of the options for settings. */
export const settingOptionNames: readonly string[] = [...settingOf.keys()]

/**
 * Reads the configuration from options and, for what they leave out, from an environment. Problems name the option where
 * one was given. `given` may contain other options, which are ignored.
 * @throws ConfigError that lists all problems
 */
export function configWith(
  given: SettingOptions,
  environment: Environment,
  loading: LoadOptions = {},
): Config {
  const reader = new OptionReader()
  reader.readAll(given)
  let config: Config | undefined
  const problems = [...reader.problems]
  try {
    config = loadConfig({ ...environment, ...reader.environment }, loading)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    problems.push(...error.problems.map(problem => reader.named(problem)))
  }
  if (!config || problems.length > 0) throw new ConfigError(problems)
  return config
}

/** Writes options as the environment would have them, so that both go through the same checks. */
class OptionReader {
  readonly environment: Record<string, string> = {}
  readonly problems: string[] = []
  /** The option that each setting comes from. */
  readonly #sources = new Map<string, string>()

  readAll(given: object): void {
    for (const [option, value] of Object.entries(given)) {
      const setting = settingOf.get(option)
      if (setting === undefined || value === undefined) continue
      if (setting === 'PROVIDERS') this.#readProviders(value)
      else this.#read(setting, option, value)
    }
  }

  /** A problem of a setting, with the option's name if the setting comes from one. */
  named(problem: string): string {
    const [setting = ''] = problem.split(':', 1)
    return (this.#sources.get(setting) ?? setting) + problem.slice(setting.length)
  }

  #read(setting: string, option: string, value: unknown): void {
    const text = toText(value)
    if (text === undefined) this.problems.push(`${option}: has the wrong type`)
    else if (text instanceof Error) this.problems.push(`${option}: ${text.message}`)
    else {
      this.environment[setting] = text
      this.#sources.set(setting, option)
    }
  }

  #readProviders(value: unknown): void {
    if (!Array.isArray(value)) {
      this.problems.push('providers: must be a list of IDs or of objects with an id')
      return
    }
    const providers = value.map((provider: unknown) =>
      typeof provider === 'string' ? { id: provider } : (provider as Record<string, unknown>),
    )
    this.#read(
      'PROVIDERS',
      'providers',
      providers.map(provider => provider?.id),
    )
    for (const { id, ...options } of providers) {
      if (typeof id !== 'string') continue
      for (const [option, each] of Object.entries(options)) {
        const name = providerSettingOf.get(option)
        if (name === undefined) this.problems.push(`providers.${id}.${option}: is not an option`)
        else if (each !== undefined) this.#read(settingPrefix(id) + name, `providers.${id}.${option}`, each)
      }
    }
  }
}

/** The text of a value in the environment; undefined if a value of this type has none. */
function toText(value: unknown): string | Error | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (typeof value === 'number') return String(value)
  if (Array.isArray(value)) return listText(value)
  const { attempts, windowSeconds } = (value ?? {}) as Record<string, unknown>
  if (typeof attempts === 'number' && typeof windowSeconds === 'number') return `${attempts}/${windowSeconds}`
  return undefined
}

function listText(items: readonly unknown[]): string | Error | undefined {
  if (!items.every(item => typeof item === 'string')) return undefined
  // The environment separates items by commas.
  if (items.some(item => item.includes(','))) return new Error('must not have a comma in an item')
  // An empty text would count as unset and give the default.
  return items.join(',') || ','
}
