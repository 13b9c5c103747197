import {
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  HttpException,
  Injectable,
  SetMetadata,
} from '@nestjs/common'
import { Reflector } from '@nestjs/core'
import { AuthError, authorize, createVerifier } from 'authograph-verify'

const verifier = createVerifier({
  issuer: process.env.AUTH_ISSUER ?? 'http://localhost:4000',
  audience: 'authograph',
  ...(process.env.AUTH_JWKS_URL && { jwksUrl: process.env.AUTH_JWKS_URL }),
})

/** Requires one of the permissions. */
export const Permissions = (...permissions: string[]) => SetMetadata('permissions', permissions)

/** Who sent the request. */
export const CurrentIdentity = createParamDecorator(
  (_data: unknown, context: ExecutionContext) => context.switchToHttp().getRequest().identity,
)

@Injectable()
export class AuthGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp()
    const permissions = this.reflector.get<string[] | undefined>('permissions', context.getHandler()) ?? []
    try {
      http.getRequest().identity = await authorize(verifier, http.getRequest(), ...permissions)
      return true
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      http.getResponse().set(error.headers)
      throw new HttpException(error.body, error.status, { cause: error })
    }
  }
}
