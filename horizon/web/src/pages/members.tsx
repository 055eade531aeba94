// Who has which role where; who is in a group.
import { Button } from '@patternfly/react-core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { send } from '../core/api'
import { useCtx, useGet, useList } from '../core/data'
import type { Row } from '../core/resource'
import { t } from '../i18n'
import { lists, options } from '../things/common'
import { failed } from '../ui/notices'
import { Failure, Nothing, Waiting } from '../ui/parts'
import { Link } from '../core/router'

interface Given { who: Row; kind: 'user' | 'group'; roles: Row[] }

/** Assignments, by who has them. */
export function given(list: Row[]): Given[] {
  const by = new Map<string, Given>()
  for (const a of list) {
    const kind = a.user ? 'user' : 'group'
    const who = a[kind] as Row | undefined
    if (!who || a.scope?.['OS-INHERIT:inherited_to']) continue
    const g: Given = by.get(who.id) ?? { who, kind, roles: [] as Row[] }
    g.roles.push(a.role)
    by.set(who.id, g)
  }
  return [...by.values()].sort((a, b) => String(a.who.name).localeCompare(String(b.who.name)))
}

const head = (cells: string[]) => <thead className="pf-v6-c-table__thead"><tr className="pf-v6-c-table__tr">{cells.map(c => <th key={c} scope="col" className="pf-v6-c-table__th">{c}</th>)}</tr></thead>

export default function Members({ project }: { project: Row }) {
  const client = useQueryClient()
  const list = useGet(['assignment'], 'identity', `/v3/role_assignments?scope.project.id=${project.id}&include_names=true`)
  const { ctx } = useCtx({ users: lists.users, roles: lists.roles })
  const [user, setUser] = useState('')
  const [role, setRole] = useState('')
  const change = (method: 'PUT' | 'DELETE', kind: string, who: string, r: string) => send({ service: 'identity', method, path: `/v3/projects/${project.id}/${kind}s/${who}/roles/${r}` }).then(() => client.invalidateQueries({ queryKey: ['assignment'] }), e => failed(t('Members'), e))
  if (list.error) return <Failure error={list.error} retry={() => list.refetch()} />
  if (!list.data) return <Waiting />
  const rows = given(list.data.role_assignments ?? [])
  const member = role || ctx.rows('roles').find(r => r.name === 'member')?.id || ''
  return (
    <>
      <form className="inline-form" onSubmit={e => { e.preventDefault(); if (user && member) void change('PUT', 'user', user, member) }}>
        <label>{t('User')} <select className="facet" value={user} onChange={e => setUser(e.target.value)}><option value="">{t('Choose…')}</option>{options(ctx, 'users').map(o => <option key={o.value} value={o.value}>{o.label}</option>)}</select></label>
        <label>{t('Role')} <select className="facet" value={member} onChange={e => setRole(e.target.value)}>{options(ctx, 'roles').map(o => <option key={o.value} value={o.value}>{o.label}</option>)}</select></label>
        <Button type="submit" size="sm" isDisabled={!user || !member}>{t('Add member')}</Button>
      </form>
      {rows.length === 0 ? <Nothing title={t('There is nothing here yet')} /> : <table className="pf-v6-c-table pf-m-compact" aria-label={t('Members')}>{head([t('Name'), t('Kind'), t('Roles')])}
        <tbody className="pf-v6-c-table__tbody">{rows.map(g => <tr key={g.who.id} className="pf-v6-c-table__tr"><td className="pf-v6-c-table__td"><Link to={`/identity/${g.kind}s/${g.who.id}`}>{g.who.name ?? g.who.id}</Link></td><td className="pf-v6-c-table__td">{t(g.kind === 'user' ? 'User' : 'Group')}</td>
          <td className="pf-v6-c-table__td">{g.roles.map(r => <span key={r.id} className="tag">{r.name ?? r.id}<button type="button" aria-label={`${t('Remove')} ${r.name}: ${g.who.name}`} onClick={() => change('DELETE', g.kind, g.who.id, r.id)}>✕</button></span>)}</td></tr>)}</tbody></table>}
    </>
  )
}

export function UserRoles({ user }: { user: Row }) {
  const list = useGet(['assignment'], 'identity', `/v3/role_assignments?user.id=${user.id}&include_names=true`)
  if (list.error) return <Failure error={list.error} retry={() => list.refetch()} />
  if (!list.data) return <Waiting />
  const rows: Row[] = list.data.role_assignments ?? []
  if (!rows.length) return <Nothing title={t('There is nothing here yet')} />
  return (
    <table className="pf-v6-c-table pf-m-compact" aria-label={t('Roles')}>{head([t('Role'), t('Where')])}
      <tbody className="pf-v6-c-table__tbody">{rows.map((a, i) => <tr key={i} className="pf-v6-c-table__tr"><td className="pf-v6-c-table__td">{a.role?.name}</td><td className="pf-v6-c-table__td">{a.scope?.project ? <Link to={`/identity/projects/${a.scope.project.id}`}>{a.scope.project.name}</Link> : a.scope?.domain ? `${t('Domain')}: ${a.scope.domain.name}` : t('The whole system')}</td></tr>)}</tbody></table>
  )
}

export function GroupMembers({ group }: { group: Row }) {
  const client = useQueryClient()
  const members = useList({ service: 'identity', path: `/v3/groups/${group.id}/users`, key: 'users', kinds: ['membership'] })
  const { ctx } = useCtx({ users: lists.users })
  const [user, setUser] = useState('')
  const change = (method: 'PUT' | 'DELETE', u: string) => send({ service: 'identity', method, path: `/v3/groups/${group.id}/users/${u}` }).then(() => client.invalidateQueries({ queryKey: ['membership'] }), e => failed(t('Members'), e))
  if (members.error) return <Failure error={members.error} retry={() => members.refetch()} />
  const has = new Set((members.data ?? []).map(m => m.id))
  return (
    <>
      <form className="inline-form" onSubmit={e => { e.preventDefault(); if (user) void change('PUT', user) }}>
        <label>{t('User')} <select className="facet" value={user} onChange={e => setUser(e.target.value)}><option value="">{t('Choose…')}</option>{options(ctx, 'users', r => r.name, r => r.id, r => !has.has(r.id)).map(o => <option key={o.value} value={o.value}>{o.label}</option>)}</select></label>
        <Button type="submit" size="sm" isDisabled={!user}>{t('Add member')}</Button>
      </form>
      {members.isPending ? <Waiting /> : !members.data?.length ? <Nothing title={t('There is nothing here yet')} /> : <table className="pf-v6-c-table pf-m-compact" aria-label={t('Members')}>{head([t('Name'), t('Actions')])}
        <tbody className="pf-v6-c-table__tbody">{members.data.map(m => <tr key={m.id} className="pf-v6-c-table__tr"><td className="pf-v6-c-table__td">{m.name}</td><td className="pf-v6-c-table__td"><Button variant="link" isInline isDanger onClick={() => change('DELETE', m.id)}>{t('Remove')}</Button></td></tr>)}</tbody></table>}
    </>
  )
}
