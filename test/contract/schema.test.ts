import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import {
  buildSchema,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isObjectType,
  isSpecifiedScalarType,
  isUnionType,
} from 'graphql'
import { createSchema, schemaText } from '../../src/graphql/schema.ts'

const fileOf = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const contract = buildSchema(fileOf('contract.graphql'))
const emitted = createSchema()

test('the committed schema.graphql matches the code; if not, run: npm run schema', () => {
  expect(fileOf('../../schema.graphql')).toBe(schemaText())
})

test('the schema has everything in the contract', () => {
  const has = new Set(coordinates(emitted).keys())
  const missing = [...coordinates(contract).keys()].filter(coordinate => !has.has(coordinate))
  expect(missing).toEqual([])
})

test('everything in the contract has the same kind, type, nullability and default in the schema', () => {
  const wanted = coordinates(contract)
  const emittedHere = [...coordinates(emitted)].filter(([coordinate]) => wanted.has(coordinate))
  const wantedHere = emittedHere.map(([coordinate]) => [coordinate, wanted.get(coordinate)])
  expect(emittedHere).toEqual(wantedHere)
})

test('additions to the contract require nothing from clients that use only the contract', () => {
  const wanted = coordinates(contract)
  const types = new Set(Object.keys(contract.getTypeMap()))
  const demanded = [...coordinates(emitted)].filter(
    ([coordinate, { required }]) =>
      required &&
      !wanted.has(coordinate) &&
      types.has(coordinate.split('.')[0] ?? '') &&
      !isOfNewField(coordinate),
  )
  expect(demanded).toEqual([])

  function isOfNewField(coordinate: string): boolean {
    const [field = '', argument] = coordinate.split('(')
    return argument !== undefined && !wanted.has(field)
  }
})

type Facts = { is: string; required?: boolean }

/** Every part of a schema by its coordinate, such as `User.email` or `Query.user(id:)`. */
function coordinates(schema: GraphQLSchema): Map<string, Facts> {
  const types = Object.values(schema.getTypeMap()).filter(
    type => !isSpecifiedScalarType(type) && !type.name.startsWith('__'),
  )
  return new Map(types.flatMap(type => [[type.name, { is: type.constructor.name }], ...membersOf(type)]))
}

function membersOf(type: GraphQLNamedType): [string, Facts][] {
  if (isEnumType(type)) return type.getValues().map(({ name }) => [`${type.name}.${name}`, { is: 'value' }])
  if (isUnionType(type)) return type.getTypes().map(({ name }) => [`${type.name}.${name}`, { is: 'member' }])
  if (isInputObjectType(type)) {
    return Object.values(type.getFields()).map(field => [`${type.name}.${field.name}`, inputFacts(field)])
  }
  if (!isObjectType(type)) return []
  return Object.values(type.getFields()).flatMap(field => fieldFacts(`${type.name}.${field.name}`, field))
}

function fieldFacts(coordinate: string, field: GraphQLField<unknown, unknown>): [string, Facts][] {
  const args = field.args.map((arg): [string, Facts] => [`${coordinate}(${arg.name}:)`, inputFacts(arg)])
  return [[coordinate, { is: String(field.type) }], ...args]
}

function inputFacts({ type, defaultValue }: Pick<GraphQLInputField, 'type' | 'defaultValue'>): Facts {
  const shown = defaultValue === undefined ? '' : ` = ${JSON.stringify(defaultValue)}`
  return { is: `${type}${shown}`, required: String(type).endsWith('!') && defaultValue === undefined }
}
