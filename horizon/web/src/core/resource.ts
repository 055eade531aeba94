// How a panel is declared: what it lists, shows, and lets one do. The pages do the rest.
import type { ComponentType, ReactNode } from 'react'
import type { Key } from '../i18n'
import type { Call, Service } from './api'
import type { Offer } from './session'

export type Row = Record<string, any>
export type Values = Record<string, any>

/** A list of an API. Kinds are the events that change it. */
export interface Source { service: Service; path: string; key: string; kinds: string[]; need?: string; map?: (r: any) => Row }

/** What functions of a declaration may ask. */
export interface Ctx {
  offer: Offer
  /** Rows of a joined source. */
  rows(join: string): Row[]
  /** The row of a joined source with that id. */
  find(join: string, id: unknown): Row | undefined
  /** Its name, else the beginning of the id. */
  name(join: string, id: unknown): string
}

export interface Column {
  id: string; label: Key
  /** For sorting, searching and CSV. */
  value: (r: Row, c: Ctx) => string | number | boolean | null | undefined
  show?: (r: Row, c: Ctx) => ReactNode
  width?: string
  off?: boolean // not shown unless chosen
  need?: string
}

export interface Option { value: string; label: string; group?: string; disabled?: boolean; note?: string }

export interface Field {
  id: string; label: Key; help?: Key
  kind?: 'text' | 'long' | 'number' | 'select' | 'many' | 'switch' | 'password' | 'pairs' | 'lines' | 'file' | 'date'
  required?: boolean; min?: number; max?: number
  initial?: unknown
  options?: (c: Ctx, v: Values) => Option[]
  when?: (v: Values, c: Ctx) => boolean
  check?: (value: any, v: Values) => Key | undefined
  step?: Key
  placeholder?: string
}

export interface Action {
  id: string; label: Key
  danger?: boolean; primary?: boolean
  /** Shown for the table as a whole, for each row, or for rows that are ticked too. */
  on: 'table' | 'row' | 'bulk'
  need?: string; admin?: boolean
  when?: (r: Row, c: Ctx) => boolean
  text?: Key
  joins?: Record<string, (c: Ctx) => Source>
  fields?: Field[] | ((r: Row, c: Ctx) => Field[])
  calls: (v: Values, r: Row, c: Ctx) => Call[]
  cli: (v: Values, r: Row, c: Ctx) => string | string[]
  /** In place of the form: a page or dialog of its own. */
  custom?: ComponentType<{ row: Row; ctx: Ctx; close: () => void }>
  to?: (r: Row) => string
  /** Shown when it is done: a password that is never shown again … */
  result?: (answers: any[], v: Values, r: Row) => ReactNode
}

export interface Fact { label: Key; value: (r: Row, c: Ctx) => ReactNode; need?: string }
export interface Tab { id: string; label: Key; need?: string; show: (r: Row, c: Ctx) => ReactNode; when?: (r: Row, c: Ctx) => boolean }

export interface Resource {
  id: string; label: Key; one: Key
  need?: string
  source: (o: Offer) => Source
  joins?: Record<string, (o: Offer) => Source>
  rowId?: (r: Row) => string
  rowName?: (r: Row) => string
  pick?: (r: Row, o: Offer) => boolean
  columns: Column[]
  facets?: string[] // columns whose values are offered as filters
  actions: Action[]
  facts?: Fact[]
  tabs?: Tab[]
  /** Where one of them is read; default: the list's path, a slash and the id. */
  one_?: (id: string) => { service: Service; path: string }
  noDetails?: boolean
  empty?: Key
}

export const idOf = (d: Resource, r: Row): string => d.rowId ? d.rowId(r) : String(r.id ?? r.name ?? '')
export const nameOf = (d: Resource, r: Row): string => d.rowName ? d.rowName(r) : String(r.name || r.display_name || (r.id ? String(r.id).slice(0, 8) : ''))
export const fieldsOf = (a: Action, r: Row, c: Ctx): Field[] => typeof a.fields === 'function' ? a.fields(r, c) : a.fields ?? []
