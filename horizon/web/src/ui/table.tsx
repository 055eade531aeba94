// A table of any number of rows: only those in sight are drawn. What it shows is in
// the address: ?q= text, ?sort=-name, ?status=ACTIVE.
import '@patternfly/react-styles/css/components/Table/table.css'
import { Button, Checkbox, Dropdown, DropdownItem, DropdownList, MenuToggle, Popover, SearchInput, Toolbar, ToolbarContent, ToolbarGroup, ToolbarItem } from '@patternfly/react-core'
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import type { Action, Column, Ctx, Resource, Row } from '../core/resource'
import { idOf, nameOf } from '../core/resource'
import { setQuery, useWhere } from '../core/router'
import { change, settings } from '../core/settings'
import { locale, t } from '../i18n'
import { allowed, fits } from './actions'
import { Nothing, Status } from './parts'

export const rowHeight = 45

const text = (v: unknown) => v === null || v === undefined ? '' : typeof v === 'boolean' ? t(v ? 'Yes' : 'No') : String(v)

/** Rows that match a text in any column, id or address. */
export function searched(rows: Row[], q: string, columns: Column[], c: Ctx, def: Resource): Row[] {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean)
  if (!words.length) return rows
  return rows.filter(r => { const all = (idOf(def, r) + ' ' + columns.map(x => text(x.value(r, c))).join(' ')).toLowerCase(); return words.every(w => all.includes(w)) })
}

export function sorted(rows: Row[], column: Column | undefined, down: boolean, c: Ctx): Row[] {
  if (!column) return rows
  const collator = new Intl.Collator(locale(), { numeric: true })
  const of = rows.map(r => [column.value(r, c) ?? '', r] as const)
  of.sort(([a], [b]) => (typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b))) * (down ? -1 : 1))
  return of.map(x => x[1])
}

/** A list as CSV; a cell that a spreadsheet would take for a formula is kept a text. */
export function csv(rows: Row[], columns: Column[], c: Ctx): string {
  const cell = (v: unknown) => { const s = text(v); const safe = /^[=+\-@\t\r]/.test(s) && Number.isNaN(Number(s)) ? `'${s}` : s; return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe }
  return [columns.map(x => cell(t(x.label))).join(','), ...rows.map(r => columns.map(x => cell(x.value(r, c))).join(','))].join('\r\n') + '\r\n'
}

export function save(name: string, content: string | Blob, type = 'text/plain') {
  const a = document.createElement('a')
  a.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }))
  a.download = name
  a.click()
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000)
}

interface Props { def: Resource; rows: Row[]; ctx: Ctx; start: (a: Action, rows: Row[]) => void; plain?: boolean; id?: string; empty?: ReactNode }

export function DataTable({ def, rows, ctx, start, plain, id = def.id, empty }: Props) {
  const { query } = useWhere()
  const [local, setLocal] = useState<Record<string, string>>({})
  const ask = (k: string) => (plain ? local[k] : query.get(k)) ?? ''
  const tell = (part: Record<string, string | undefined>) => plain ? setLocal(o => ({ ...o, ...Object.fromEntries(Object.entries(part).map(([k, v]) => [k, v ?? ''])) })) : setQuery(part)
  const columns = def.columns.filter(c => ctx.offer.has(c.need))
  const [chosen, choose] = useState<string[]>(() => settings().columns[id] ?? columns.filter(c => !c.off).map(c => c.id))
  const [ticked, tick] = useState<Set<string>>(new Set())
  const visible = columns.filter(c => chosen.includes(c.id))
  const sort = ask('sort')
  const by = columns.find(c => c.id === sort.replace(/^-/, ''))
  const facets = (def.facets ?? []).map(f => columns.find(c => c.id === f)!).filter(Boolean)
  const picked = facets.map(f => ask(f.id)).join('\n')
  const q = ask('q')
  const out = useMemo(() => {
    const few = rows.filter(r => facets.every(f => !ask(f.id) || text(f.value(r, ctx)) === ask(f.id)))
    return sorted(searched(few, q, columns, ctx, def), by, sort.startsWith('-'), ctx)
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [rows, ctx, q, sort, picked])
  const actions = def.actions.filter(a => allowed(a, ctx.offer))
  const bulk = actions.filter(a => a.on === 'bulk')
  const rowActions = actions.filter(a => a.on !== 'table')
  const chosenRows = out.filter(r => ticked.has(idOf(def, r)))
  const flip = (c: string) => { const n = chosen.includes(c) ? chosen.filter(x => x !== c) : [...chosen, c]; choose(n); change({ columns: { ...settings().columns, [id]: n } }) }

  return (
    <div className="data-table">
      <Toolbar className="table-tools" inset={{ default: 'insetNone' }}>
        <ToolbarContent>
          <ToolbarItem className="table-search"><SearchInput aria-label={t('Filter')} placeholder={t('Filter')} value={q} onChange={(_, v) => tell({ q: v })} onClear={() => tell({ q: '' })} /></ToolbarItem>
          {facets.map(f => <ToolbarItem key={f.id}><Facet column={f} rows={rows} ctx={ctx} value={ask(f.id)} set={v => tell({ [f.id]: v })} /></ToolbarItem>)}
          {bulk.length > 0 && chosenRows.length > 0 && (
            <ToolbarGroup className="bulk">
              <span className="soft">{t('{n} chosen', { n: chosenRows.length })}</span>
              {bulk.map(a => { const f = chosenRows.filter(r => fits(a, r, ctx)); return <Button key={a.id} size="sm" variant={a.danger ? 'danger' : 'secondary'} isDisabled={!f.length} onClick={() => { start(a, f); tick(new Set()) }}>{t(a.label)}{f.length !== chosenRows.length ? ` (${f.length})` : ''}</Button> })}
            </ToolbarGroup>
          )}
          <ToolbarGroup align={{ default: 'alignEnd' }}>
            <span className="soft count" role="status">{out.length === rows.length ? t('Rows: {n}', { n: rows.length }) : t('{n} of {all}', { n: out.length, all: rows.length })}</span>
            <Popover aria-label={t('Columns')} headerContent={t('Columns')} hasAutoWidth bodyContent={<div className="columns-choice">{columns.map(c => <Checkbox key={c.id} id={`col-${id}-${c.id}`} label={t(c.label)} isChecked={chosen.includes(c.id)} onChange={() => flip(c.id)} />)}</div>}>
              <Button variant="plain" size="sm">{t('Columns')}</Button>
            </Popover>
            <Button variant="plain" size="sm" onClick={() => save(`${id}.csv`, csv(out, visible, ctx), 'text/csv')} isDisabled={!out.length}>CSV</Button>
          </ToolbarGroup>
        </ToolbarContent>
      </Toolbar>
      {out.length === 0
        ? (empty && rows.length === 0 ? empty : <Nothing title={rows.length ? t('Nothing matches') : t('There is nothing here yet')} text={rows.length ? t('Change the filter above.') : undefined}>{rows.length > 0 && <Button variant="link" onClick={() => tell({ q: '', ...Object.fromEntries(facets.map(f => [f.id, ''])) })}>{t('Clear the filter')}</Button>}</Nothing>)
        : <Rows {...{ def, ctx, out, visible, bulk: bulk.length > 0, rowActions, start, sort, ticked, tick }} sortBy={c => tell({ sort: sort === c ? `-${c}` : sort === `-${c}` ? '' : c })} />}
    </div>
  )
}

interface RowsProps { def: Resource; ctx: Ctx; out: Row[]; visible: Column[]; bulk: boolean; rowActions: Action[]; start: Props['start']; sort: string; sortBy: (c: string) => void; ticked: Set<string>; tick: (s: Set<string>) => void }

function Rows({ def, ctx, out, visible, bulk, rowActions, start, sort, sortBy, ticked, tick }: RowsProps) {
  const box = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  const [height, setHeight] = useState(900)
  useEffect(() => {
    const el = box.current
    if (!el) return
    const see = () => setHeight(el.clientHeight || 900)
    see()
    if (typeof ResizeObserver === 'undefined') return
    const o = new ResizeObserver(see)
    o.observe(el)
    return () => o.disconnect()
  }, [])
  const from = Math.max(0, Math.floor(top / rowHeight) - 10)
  const to = Math.min(out.length, Math.ceil((top + height) / rowHeight) + 10)
  const all = out.length > 0 && out.every(r => ticked.has(idOf(def, r)))
  const flip = (id: string) => { const n = new Set(ticked); n.has(id) ? n.delete(id) : n.add(id); tick(n) }
  const span = visible.length + (bulk ? 1 : 0) + (rowActions.length ? 1 : 0)
  return (
    <div className="table-box" ref={box} onScroll={e => setTop(e.currentTarget.scrollTop)} tabIndex={0} role="region" aria-label={t(def.label)}>
      <table className="pf-v6-c-table pf-m-compact pf-m-sticky-header" aria-label={t(def.label)} aria-rowcount={out.length + 1}>
        <thead className="pf-v6-c-table__thead">
          <tr className="pf-v6-c-table__tr">
            {bulk && <th className="pf-v6-c-table__th tick" scope="col"><input type="checkbox" aria-label={t('Choose all')} checked={all} onChange={() => tick(all ? new Set() : new Set(out.map(r => idOf(def, r))))} /></th>}
            {visible.map(c => <th key={c.id} className="pf-v6-c-table__th" scope="col" style={{ width: c.width }} aria-sort={sort === c.id ? 'ascending' : sort === `-${c.id}` ? 'descending' : 'none'}><button type="button" className="sorter" onClick={() => sortBy(c.id)}>{t(c.label)}<span aria-hidden="true">{sort === c.id ? ' ↑' : sort === `-${c.id}` ? ' ↓' : ''}</span></button></th>)}
            {rowActions.length > 0 && <th className="pf-v6-c-table__th acts" scope="col"><span className="pf-v6-screen-reader">{t('Actions')}</span></th>}
          </tr>
        </thead>
        <tbody className="pf-v6-c-table__tbody">
          {from > 0 && <tr aria-hidden="true"><td colSpan={span} style={{ height: from * rowHeight, padding: 0 }} /></tr>}
          {out.slice(from, to).map((r, n) => {
            const id = idOf(def, r)
            return (
              <tr key={id} className="pf-v6-c-table__tr" aria-rowindex={from + n + 2} style={{ height: rowHeight }}>
                {bulk && <td className="pf-v6-c-table__td tick"><input type="checkbox" aria-label={`${t('Choose')} ${nameOf(def, r)}`} checked={ticked.has(id)} onChange={() => flip(id)} /></td>}
                {visible.map(c => <td key={c.id} className="pf-v6-c-table__td"><div className="cell">{c.show ? c.show(r, ctx) : c.id === 'status' ? <Status of={text(c.value(r, ctx))} /> : text(c.value(r, ctx)) || '–'}</div></td>)}
                {rowActions.length > 0 && <td className="pf-v6-c-table__td acts"><RowMenu def={def} row={r} actions={rowActions} ctx={ctx} start={start} /></td>}
              </tr>
            )
          })}
          {to < out.length && <tr aria-hidden="true"><td colSpan={span} style={{ height: (out.length - to) * rowHeight, padding: 0 }} /></tr>}
        </tbody>
      </table>
    </div>
  )
}

export function RowMenu({ def, row, actions, ctx, start, label }: { def: Resource; row: Row; actions: Action[]; ctx: Ctx; start: Props['start']; label?: string }) {
  const [open, set] = useState(false)
  const fit = open ? actions.filter(a => fits(a, row, ctx)) : []
  return (
    <Dropdown isOpen={open} onOpenChange={set} onSelect={() => set(false)} popperProps={{ position: 'right', appendTo: () => document.body }}
      toggle={ref => <MenuToggle ref={ref} variant={label ? 'primary' : 'plain'} size="sm" isExpanded={open} onClick={() => set(!open)} aria-label={label ? undefined : `${t('Actions')}: ${nameOf(def, row)}`}>{label ?? <span aria-hidden="true" className="kebab">⋮</span>}</MenuToggle>}>
      <DropdownList>
        {fit.map(a => <DropdownItem key={a.id} isDanger={a.danger} onClick={() => start(a, [row])}>{t(a.label)}</DropdownItem>)}
        {open && fit.length === 0 && <DropdownItem isDisabled>{t('Nothing can be done in this state')}</DropdownItem>}
      </DropdownList>
    </Dropdown>
  )
}

function Facet({ column, rows, ctx, value, set }: { column: Column; rows: Row[]; ctx: Ctx; value: string; set: (v: string) => void }) {
  const values = useMemo(() => { const n = new Map<string, number>(); for (const r of rows) { const v = text(column.value(r, ctx)); if (v) n.set(v, (n.get(v) ?? 0) + 1) } return [...n].sort() }, [rows, column, ctx])
  if (values.length < 2 && !value) return null
  return (
    <select className="facet" aria-label={t(column.label)} value={value} onChange={e => set(e.target.value)}>
      <option value="">{t(column.label)}: {t('all')}</option>
      {values.map(([v, n]) => <option key={v} value={v}>{v} ({n})</option>)}
    </select>
  )
}
