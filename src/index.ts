import 'reflect-metadata'

/**
 * For programs that embed Authograph or add resolvers to it. Exports the decorators of `type-graphql`, so that both
 * sides use the same copy.
 */
export {
  Arg,
  Args,
  ArgsType,
  Authorized,
  Ctx,
  createUnionType,
  Extensions,
  Field,
  FieldResolver,
  Float,
  ID,
  InputType,
  Int,
  InterfaceType,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
  registerEnumType,
  Subscription,
  UseMiddleware,
} from 'type-graphql'
export { UserType } from './accounts/accounts.types.ts'
export type {
  AccessTokenClaims,
  App,
  BeforeSignUp,
  OnEvent,
  ServerEvent,
  ShownAccount,
  SignUpAttempt,
  SignUpDecision,
} from './app.ts'
export { type Authograph, createAuthograph } from './authograph.ts'
export type { Clock } from './clock.ts'
export { type Config, ConfigError, loadConfig } from './config.ts'
export type { Context, RequestInfo, Viewer } from './context.ts'
export { readEnvironment } from './environment.ts'
export { AuthError, badInput, type ErrorCode, errorTable } from './errors.ts'
export { Cost, ListSize, type ListSizeOptions } from './graphql/cost.ts'
export { createSchema } from './graphql/schema.ts'
export { StepUp, type StepUpOptions } from './graphql/step-up.ts'
export type { Entities, Entity } from './graphql/subgraph.ts'
export {
  type MailLayouts,
  type MailOptions,
  MailRefused,
  type MailTemplates,
  type OutgoingEmail,
  type SendMail,
  type WholeMail,
} from './mail/options.ts'
export type { MailData, MailTemplate, MailText } from './mail/texts.ts'
export type { AuthographOptions, ServerOptions } from './options.ts'
export { perRequest } from './per-request.ts'
export type { RequestLimits } from './request-limits.ts'
export { type RunningServer, startServer } from './server.ts'
export type { AuthStrength } from './sessions/strength.ts'
export type { SettingOptions } from './setting-options.ts'
export {
  type TestContextOptions,
  type TestExecuteOptions,
  type TestReply,
  testContext,
  testExecute,
} from './test-context.ts'
