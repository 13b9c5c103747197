import { expect, test } from '@jest/globals'
import { returnTo } from '../../src/web/return-to.ts'

const ORIGINS = ['https://app.example.com', 'http://localhost:3000']
const at = (address: string) => returnTo(`?return_to=${encodeURIComponent(address)}`, ORIGINS)

test.each([
  'https://app.example.com/',
  'https://app.example.com/inbox?tab=1#top',
  'HTTPS://APP.EXAMPLE.COM/x',
  'http://localhost:3000/a%20b',
])('follows an address of the list: %s', address => {
  expect(at(address)).toBe(new URL(address).href)
})

test.each([
  '',
  '/account',
  '//app.example.com',
  '\\\\app.example.com',
  '/\\app.example.com',
  'https:app.example.com',
  'https:/app.example.com',
  'https:\\\\app.example.com',
  'https://app.example.com\\@evil.example',
  'https://app.example.com@evil.example',
  'https://user@app.example.com',
  'https://user:password@app.example.com',
  'https://app.example.com.evil.example',
  'https://evil.example/https://app.example.com',
  'https://evil.example#https://app.example.com',
  'https://app.example.com:8443',
  'http://app.example.com',
  'https://localhost:3000',
  'javascript:alert(1)',
  'java\nscript:alert(1)',
  ' https://app.example.com',
  'https://app.exam\nple.com',
  'https://app.example.com\u202e',
  'data:text/html,hello',
  'blob:https://app.example.com/1',
  'https://',
])('follows nothing else: %j', address => {
  expect(at(address)).toBeUndefined()
})

test('without the parameter there is nowhere to go back to', () => {
  expect(returnTo('', ORIGINS)).toBeUndefined()
  expect(returnTo('?return_to', ORIGINS)).toBeUndefined()
})
