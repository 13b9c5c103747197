'use client'

export {
  AuthProvider,
  type AuthProviderProps,
  RequireAuth,
  type RequireAuthProps,
  useAuth,
  useUser,
} from './react-auth.ts'
export { SignIn, SignInLink, type SignInLinkProps, type SignInProps } from './react-sign-in.ts'
export { english, korean, type Texts } from './react-texts.ts'
export { type SignInProblem, type SignInState, useSignIn } from './react-use-sign-in.ts'
export { UserButton, type UserButtonProps } from './react-user-button.ts'
