import { lazy } from 'react'

/** Loaded when a sign-in has a second step, so that the sign-in form does not wait for it. */
export const NextStep = lazy(() => import('./next-step.tsx').then(({ NextStep }) => ({ default: NextStep })))
