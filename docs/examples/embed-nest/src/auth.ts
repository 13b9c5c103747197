import {
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  HttpException,
  Inject,
  Injectable,
  type OnApplicationShutdown,
  SetMetadata,
} from '@nestjs/common'
import { Reflector } from '@nestjs/core'
import { AuthError, type Authograph, createAuthograph, type Viewer } from 'authograph'

/** The permissions of which a route requires one. */
export const Permissions = (...permissions: string[]) => SetMetadata('permissions', permissions)

/** The account and the session behind the request. */
export const CurrentViewer = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Viewer => context.switchToHttp().getRequest().viewer,
)

@Injectable()
export class AuthService implements OnApplicationShutdown {
  constructor(readonly authograph: Authograph) {}

  static async create(): Promise<AuthService> {
    const port = process.env.PORT ?? 3000
    const publicUrl = process.env.PUBLIC_URL ?? `http://localhost:${port}/auth`
    return new AuthService(await createAuthograph({ publicUrl, permissions: ['notes:read'] }))
  }

  onApplicationShutdown(): Promise<void> {
    return this.authograph.close()
  }
}

@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    @Inject(AuthService) private readonly auth: AuthService,
    @Inject(Reflector) private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest()
    const permissions = this.reflector.get<string[] | undefined>('permissions', context.getHandler()) ?? []
    try {
      request.viewer = await this.auth.authograph.viewer(request, ...permissions)
      return true
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      const { code, message, extensions } = error
      const body = { errors: [{ message, extensions: { code, ...extensions } }] }
      throw new HttpException(body, code === 'UNAUTHENTICATED' ? 401 : 403)
    }
  }
}
