import Database from 'better-sqlite3'
import { z } from 'zod'
import { Statements } from './statements.ts'

/** Filled before anything is built on them, so that no trigger counts a row twice. */
const TABLES = `select name, sql from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by rowid`
const REST = `select name, sql from sqlite_schema where type <> 'table' and sql is not null order by rowid`
const HAS_SEQUENCES = `select 1 as yes from sqlite_schema where name = 'sqlite_sequence'`
const COLUMNS = 'select name from pragma_table_info(?) order by cid'
const schemaRow = z.object({ name: z.string(), sql: z.string() })
const columnRow = z.object({ name: z.string() })
const textRow = z.object({ sql: z.string() })
const yes = z.object({ yes: z.literal(1) })

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

/** A store that nobody uses, as SQL text that `buildStore` makes the same store of: for people to read, and for version control. */
export function dumpStore(path: string): string {
  const db = new Database(path, { readonly: true, fileMustExist: true })
  try {
    const read = new Statements(db)
    const rowsOf = (table: string) => {
      const columns = read.all(columnRow, COLUMNS, table).map(({ name }) => name)
      const values = columns.map((name) => `quote(${quoted(name)})`).join(` || ',' || `)
      const rows = read.all(textRow, `select ${values} as sql from ${quoted(table)}`)
      const into = `${quoted(table)}(${columns.map(quoted).join(',')})`
      return rows.map(({ sql }) => `insert into ${into} values (${sql});`)
    }
    const tables = read.all(schemaRow, TABLES)
    const sequences = read.get(yes, HAS_SEQUENCES) ? ['delete from sqlite_sequence;', ...rowsOf('sqlite_sequence')] : []
    const numbers = ['user_version', 'application_id'].map(
      (name) => `pragma ${name} = ${Number(db.pragma(name, { simple: true }))};`,
    )
    return [
      ...numbers,
      ...tables.map(({ sql }) => `${sql};`),
      ...tables.flatMap(({ name }) => rowsOf(name)),
      ...sequences,
      ...read.all(schemaRow, REST).map(({ sql }) => `${sql};`),
      '',
    ].join('\n')
  } finally {
    db.close()
  }
}

/** Makes a store of its dump. Throws when there is a file already. */
export function buildStore(path: string, sql: string): void {
  const db = new Database(path)
  try {
    db.exec(`begin; ${sql}; commit`)
  } finally {
    db.close()
  }
}

/** What a store is made of, to compare one with another: each table, index, view and trigger by its name, columns with their types. */
export function schemaOf(path: string): Readonly<Record<string, unknown>> {
  const db = new Database(path, { readonly: true, fileMustExist: true })
  try {
    const read = new Statements(db)
    const columns = z.looseObject({})
    const all = read.all(
      z.object({ type: z.string(), name: z.string(), sql: z.string().nullable() }),
      'select type, name, sql from sqlite_schema order by name',
    )
    return Object.fromEntries(
      all.map(({ type, name, sql }) => [
        `${type} ${name}`,
        type === 'table' ? read.all(columns, `select * from pragma_table_xinfo(?)`, name) : sql,
      ]),
    )
  } finally {
    db.close()
  }
}
