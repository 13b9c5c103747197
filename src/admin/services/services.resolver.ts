import { Arg, Authorized, Ctx, ID, Int, Mutation, Query, Resolver } from 'type-graphql'
import type { Context } from '../../context.ts'
import { withExample } from '../../example.ts'
import { callerOf } from '../administer.ts'
import { createServiceAccount } from './create-service-account.ts'
import { deleteServiceAccount } from './delete-service-account.ts'
import { toService, withRoles } from './lock-service.ts'
import { rotateServiceAccountSecret } from './rotate-secret.ts'
import {
  ServiceAccountCreated,
  ServiceAccountInput,
  ServiceAccountType,
  toServiceAccount,
  UpdateServiceAccountInput,
} from './services.types.ts'
import { updateServiceAccount } from './update-service-account.ts'

const SERVICE_ID = { description: 'The service account’s ID.' }

@Resolver()
export class ServicesResolver {
  @Authorized('services:write')
  @Query(() => [ServiceAccountType], {
    description: withExample(
      'All service accounts, sorted by name.',
      'query ServiceAccounts { serviceAccounts { id name roles permissions audiences hasSecret previousSecretUntil keyIds createdAt lastUsedAt } }',
    ),
  })
  async serviceAccounts(@Ctx() { app }: Context): Promise<ServiceAccountType[]> {
    const rows = await app.db.serviceAccount.findMany({ include: withRoles, orderBy: { name: 'asc' } })
    return rows.map(row => toServiceAccount(toService(app, row), app.clock.now()))
  }

  @Authorized('services:write')
  @Mutation(() => ServiceAccountCreated, {
    description: withExample(
      'Creates a service account. Requires a recent sign-in. Without public keys, the result has a secret, which the server cannot show again.',
      'mutation CreateService { createServiceAccount(input: { name: "billing", roles: ["support"] }) { serviceAccount { id name roles audiences } secret } }',
    ),
  })
  async createServiceAccount(
    @Ctx() context: Context,
    @Arg('input', () => ServiceAccountInput, { description: 'The service account.' })
    input: ServiceAccountInput,
  ): Promise<ServiceAccountCreated> {
    const { app } = context
    const created = await createServiceAccount(app, input, await callerOf(context, 'createServiceAccount'))
    return { serviceAccount: toServiceAccount(created.service, app.clock.now()), secret: created.secret }
  }

  @Authorized('services:write')
  @Mutation(() => ServiceAccountType, {
    description: withExample(
      'Changes a service account that has no permissions beyond yours. Requires a recent sign-in. Roles count from its next request, audiences from its next token.',
      'mutation UpdateService($id: ID!) { updateServiceAccount(id: $id, input: { audiences: ["authograph", "https://api.example.com"] }) { id name roles audiences } }',
    ),
  })
  async updateServiceAccount(
    @Ctx() context: Context,
    @Arg('id', () => ID, SERVICE_ID) id: string,
    @Arg('input', () => UpdateServiceAccountInput, { description: 'What to change.' })
    input: UpdateServiceAccountInput,
  ): Promise<ServiceAccountType> {
    const { app } = context
    const caller = await callerOf(context, 'updateServiceAccount')
    return toServiceAccount(await updateServiceAccount(app, id, input, caller), app.clock.now())
  }

  @Authorized('services:write')
  @Mutation(() => ServiceAccountCreated, {
    description: withExample(
      'Gives a service account a new secret, which the server cannot show again. Requires a recent sign-in. The current secret and all tokens end immediately. With `previousValidSeconds`, the current secret stays valid for that long, and so do the tokens.',
      'mutation RotateSecret($id: ID!) { rotateServiceAccountSecret(id: $id, previousValidSeconds: 3600) { serviceAccount { id name previousSecretUntil } secret } }',
    ),
  })
  async rotateServiceAccountSecret(
    @Ctx() context: Context,
    @Arg('id', () => ID, SERVICE_ID) id: string,
    @Arg('previousValidSeconds', () => Int, {
      nullable: true,
      defaultValue: 0,
      description: 'How long the current secret stays valid, up to 604800 (7 days).',
    })
    previousValidSeconds: number | null,
  ): Promise<ServiceAccountCreated> {
    const { app } = context
    const caller = await callerOf(context, 'rotateServiceAccountSecret')
    const { service, secret } = await rotateServiceAccountSecret(app, id, previousValidSeconds ?? 0, caller)
    return { serviceAccount: toServiceAccount(service, app.clock.now()), secret }
  }

  @Authorized('services:write')
  @Mutation(() => Boolean, {
    description: withExample(
      'Deletes a service account that has no permissions beyond yours. Its tokens end immediately.',
      'mutation DeleteService($id: ID!) { deleteServiceAccount(id: $id) }',
    ),
  })
  async deleteServiceAccount(
    @Ctx() context: Context,
    @Arg('id', () => ID, SERVICE_ID) id: string,
  ): Promise<boolean> {
    await deleteServiceAccount(context.app, id, await callerOf(context, 'deleteServiceAccount'))
    return true
  }
}
