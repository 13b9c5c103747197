import { Arg, Authorized, Ctx, FieldResolver, ID, Int, Mutation, Resolver, Root } from 'type-graphql'
import { UserType } from '../accounts/accounts.types.ts'
import type { Context } from '../context.ts'
import { withExample } from '../example.ts'
import { sessionIdOf } from '../sessions/require-session.ts'
import { countListed } from '../sessions/user-sessions.resolver.ts'
import {
  deviceOfSession,
  revokeTrustedDevice,
  revokeTrustedDevices,
  trustedDevices,
} from './trusted-devices.ts'
import { TrustedDeviceType } from './trusted-devices.types.ts'

@Resolver(() => UserType)
export class TrustedDevicesResolver {
  @Authorized('self', 'users:read')
  @FieldResolver(() => [TrustedDeviceType], {
    description: 'The devices that need no second factor for a while, the latest used first.',
  })
  async trustedDevices(@Root() user: UserType, @Ctx() context: Context): Promise<TrustedDeviceType[]> {
    const devices = await trustedDevices(context.app, user.id)
    countListed(context, devices.length)
    if (devices.length === 0) return []
    const sessionId = context.isRevealed(user)
      ? context.revealedBy(user)
      : sessionIdOf(await context.viewer())
    const currentId = sessionId && (await deviceOfSession(context.app, sessionId))
    return devices.map(device => ({ ...device, current: device.id === currentId }))
  }

  @Authorized()
  @Mutation(() => Boolean, {
    description: withExample(
      'Ends the trust in one of your devices, which needs a second factor again at its next sign-in. Ends no session.',
      'mutation RevokeTrustedDevice($id: ID!) { revokeTrustedDevice(id: $id) }',
    ),
  })
  async revokeTrustedDevice(
    @Ctx() { app, viewer, request }: Context,
    @Arg('id', () => ID, { description: 'The device’s ID.' }) id: string,
  ): Promise<boolean> {
    await revokeTrustedDevice(app, id, await viewer(), request)
    return true
  }

  @Authorized()
  @Mutation(() => Int, {
    description: withExample(
      'Ends the trust in all your devices, and returns how many were trusted. Ends no session.',
      'mutation RevokeTrustedDevices { revokeTrustedDevices }',
    ),
  })
  async revokeTrustedDevices(@Ctx() { app, viewer, request }: Context): Promise<number> {
    return revokeTrustedDevices(app, await viewer(), request)
  }
}
