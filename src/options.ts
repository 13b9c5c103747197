import type { ClassType, PubSub } from 'type-graphql'
import { type Config, ConfigError, requireSender } from './config.ts'
import { readEnvironment } from './environment.ts'
import type { Entities } from './graphql/subgraph.ts'
import type { HttpOptions } from './http/server.ts'
import type { MailOptions } from './mail/options.ts'
import type { OpenOptions } from './open.ts'
import { configWith, type SettingOptions, settingOptionNames } from './setting-options.ts'

/** What a program adds to the server. The settings are options too: see SettingOptions. */
export type ProgramOptions = Omit<OpenOptions, 'mail'> &
  HttpOptions & {
    /** Sends emails, and writes their texts, in place of the server. `false`, as `MAIL=off`: the server sends no email. */
    mail?: MailOptions | boolean | undefined
    /** All settings, instead of those of the options and the environment. */
    config?: Config
    /** Your own resolvers, in addition to the built-in ones. Guard them with `@Authorized`. */
    resolvers?: readonly ClassType[]
    /**
     * The names of your operations that strangers can call. With this option, also as an empty list, the server does not
     * start if another one of yours has neither `@Authorized` nor `@StepUp`. Without it, such operations are open.
     */
    publicOperations?: readonly string[]
    /**
     * With FEDERATION=on: your types that other subgraphs can refer to, such as
     * `{ Note: { key: 'id', resolve: ({ id }) => findNote(id) } }`.
     */
    entities?: Entities
    /** The topics of your subscriptions, such as `createPubSub()` of `@graphql-yoga/subscription`. */
    pubSub?: PubSub
    /**
     * Whether SIGINT and SIGTERM close the service. Default: true for `startServer`, which runs a whole program; false for
     * `createAuthograph`, which runs inside of one.
     */
    signals?: boolean
  }

/** The options of `createAuthograph`. Settings in code win over the environment and `.env`. */
export type AuthographOptions = ProgramOptions & Omit<SettingOptions, 'mail'>

/** The options of `startServer`, which are the same. */
export type ServerOptions = AuthographOptions

/** Every name of ProgramOptions. A name that is missing here would be refused as a misspelled one. */
const programOptions: Record<keyof ProgramOptions, true> = {
  config: true,
  resolvers: true,
  publicOperations: true,
  entities: true,
  pubSub: true,
  signals: true,
  clock: true,
  log: true,
  permissions: true,
  accessTokenClaims: true,
  onEvent: true,
  beforeSignUp: true,
  onDatabaseGone: true,
  aborted: true,
  apollo: true,
  context: true,
  fastify: true,
  mail: true,
  requestLimits: true,
}

const names = [...Object.keys(programOptions), ...settingOptionNames]

/**
 * The configuration that options ask for. Reads the environment and `.env` for the settings that they leave out, unless
 * they have a whole `config`.
 * @throws ConfigError if an option is unknown, or settings are invalid
 */
export function configOf(options: AuthographOptions): Config {
  const given = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  const unknown = given.filter(name => !names.includes(name))
  if (unknown.length > 0) throw new ConfigError(unknown.map(unknownOption))
  const { mail, config } = options
  const sendsMail = typeof mail === 'object' && mail.send !== undefined
  if (!config) {
    const setting = typeof mail === 'boolean' ? mail : undefined
    return configWith({ ...options, mail: setting }, readEnvironment(), { sendsMail })
  }
  const settings = given.filter(
    name => !(name in programOptions) || (name === 'mail' && typeof mail === 'boolean'),
  )
  if (settings.length === 0) {
    requireSender(config, sendsMail)
    return config
  }
  throw new ConfigError(settings.map(name => `${name}: has no effect beside config, which has every setting`))
}

function unknownOption(name: string): string {
  const plain = (text: string) => text.replaceAll('_', '').toLowerCase()
  const meant = names.find(known => plain(known) === plain(name))
  return `${name}: is not an option${meant ? `; the option is ${meant}` : ''}`
}
