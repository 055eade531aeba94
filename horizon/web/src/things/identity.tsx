import { lazy } from 'react'
import { osc } from '../core/format'
import type { Column, Ctx, Resource, Row } from '../core/resource'
import { Ago, Copy, Id } from '../ui/parts'
import { t } from '../i18n'
import { call, descriptionColumn, descriptionField, idColumn, lean, lists, nameColumn, nameField, options } from './common'

const Members = lazy(() => import('../pages/members'))
const Quotas = lazy(() => import('../pages/quotas').then(m => ({ default: m.ProjectQuotas })))
const UserRoles = lazy(() => import('../pages/members').then(m => ({ default: m.UserRoles })))
const GroupMembers = lazy(() => import('../pages/members').then(m => ({ default: m.GroupMembers })))

const enabled: Column = { id: 'enabled', label: 'Enabled', value: r => r.enabled !== false, width: '7rem' }
const domainColumn: Column = { id: 'domain', label: 'Domain', value: (r, c) => c.name('domains', r.domain_id), off: true }
const set = (kind: string, one: string, label: 'Enable' | 'Disable', on: boolean, cli: string) => ({ id: on ? 'enable' : 'disable', label, on: 'bulk' as const, admin: true, when: (r: Row) => (r.enabled !== false) !== on, calls: (_: unknown, r: Row) => [call('identity', 'PATCH', `/v3/${kind}/${r.id}`, { [one]: { enabled: on } })], cli: (_: unknown, r: Row) => osc(`${cli} set`, { [on ? 'enable' : 'disable']: true }, r.id) })
const remove = (kind: string, cli: string, when?: (r: Row, c: Ctx) => boolean) => ({ id: 'delete', label: 'Delete' as const, danger: true, on: 'bulk' as const, when, calls: (_: unknown, r: Row) => [call('identity', 'DELETE', `/v3/${kind}/${r.id}`)], cli: (_: unknown, r: Row) => osc(`${cli} delete`, {}, r.id) })
const home = (c: Ctx) => c.offer.session.project?.domain?.id ?? c.offer.session.domain?.id ?? 'default'

export const projects: Resource = {
  id: 'projects', label: 'Projects', one: 'Project', need: 'identity', joins: { domains: lists.domains },
  source: o => o.admin ? lists.projects() : ({ service: 'identity', path: '/v3/auth/projects', key: 'projects', kinds: ['project'] }),
  one_: id => ({ service: 'identity', path: `/v3/projects/${id}` }),
  columns: [nameColumn('/identity/projects'), enabled, { id: 'description', label: 'Description', value: r => r.description }, domainColumn, { id: 'tags', label: 'Tags', value: r => (r.tags ?? []).join(', '), off: true }, idColumn],
  facets: ['enabled'],
  actions: [
    { id: 'create', label: 'Create project', on: 'table', admin: true, joins: { domains: lists.domains }, fields: (_, c) => [nameField, descriptionField, { id: 'domain', label: 'Domain', kind: 'select', required: true, initial: home(c), options: () => options(c, 'domains') }, { id: 'enabled', label: 'Enabled', kind: 'switch', initial: true }], calls: v => [call('identity', 'POST', '/v3/projects', { project: { name: v.name, description: v.description, domain_id: v.domain, enabled: v.enabled } })], cli: v => osc('project create', { domain: v.domain, description: v.description, disable: !v.enabled }, v.name) },
    { id: 'edit', label: 'Edit', on: 'row', admin: true, fields: r => [{ ...nameField, initial: r.name }, { ...descriptionField, initial: r.description ?? '' }], calls: (v, r) => [call('identity', 'PATCH', `/v3/projects/${r.id}`, { project: { name: v.name, description: v.description } })], cli: (v, r) => osc('project set', { name: v.name, description: v.description }, r.id) },
    { id: 'members', label: 'Manage members', on: 'row', admin: true, to: r => `/identity/projects/${r.id}?tab=members`, calls: () => [], cli: () => '' },
    { id: 'quotas', label: 'Modify quotas', on: 'row', admin: true, to: r => `/identity/projects/${r.id}?tab=quotas`, calls: () => [], cli: () => '' },
    set('projects', 'project', 'Enable', true, 'project'), set('projects', 'project', 'Disable', false, 'project'), { ...remove('projects', 'project'), admin: true, text: 'What the project has in the services is not deleted with it: delete that first.' },
  ],
  tabs: [{ id: 'members', label: 'Members', show: r => <Members project={r} />, when: (_, c) => c.offer.admin }, { id: 'quotas', label: 'Quotas', show: r => <Quotas project={r.id} />, when: (_, c) => c.offer.admin }],
}

const passwords = [{ id: 'password', label: 'Password' as const, kind: 'password' as const, required: true }, { id: 'again', label: 'Password again' as const, kind: 'password' as const, required: true, check: (x: string, v: Row) => x === v.password ? undefined : 'The passwords differ.' as const }]

export const users: Resource = {
  id: 'users', label: 'Users', one: 'User', need: 'identity', joins: { domains: lists.domains, projects: lists.projects }, source: lists.users,
  columns: [nameColumn('/identity/users'), enabled, { id: 'email', label: 'E-mail', value: r => r.email }, { id: 'description', label: 'Description', value: r => r.description }, { id: 'project', label: 'Default project', value: (r, c) => r.default_project_id ? c.name('projects', r.default_project_id) : '' }, { id: 'mfa', label: 'MFA', value: r => !!r.options?.multi_factor_auth_enabled, width: '6rem' }, { id: 'expires', label: 'Password expires', value: r => r.password_expires_at, off: true }, domainColumn, idColumn],
  facets: ['enabled'],
  actions: [
    { id: 'create', label: 'Create user', on: 'table', admin: true, joins: { domains: lists.domains, projects: lists.projects, roles: lists.roles }, fields: (_, c) => [nameField, descriptionField, { id: 'email', label: 'E-mail' }, ...passwords, { id: 'domain', label: 'Domain', kind: 'select', required: true, initial: home(c), options: () => options(c, 'domains') }, { id: 'project', label: 'Default project', kind: 'select', options: (_, v) => options(c, 'projects', r => r.name, r => r.id, r => r.domain_id === v.domain) }, { id: 'role', label: 'Role in it', kind: 'select', required: true, when: v => !!v.project, initial: c.rows('roles').find(r => r.name === 'member')?.id, options: () => options(c, 'roles') }, { id: 'enabled', label: 'Enabled', kind: 'switch', initial: true }],
      calls: v => [call('identity', 'POST', '/v3/users', { user: lean({ name: v.name, description: v.description, email: v.email, password: v.password, domain_id: v.domain, default_project_id: v.project, enabled: v.enabled }) }), ...(v.project ? [call('identity', 'PUT', `/v3/projects/${v.project}/users/{0.user.id}/roles/${v.role}`)] : [])], cli: v => [osc('user create', { domain: v.domain, project: v.project, email: v.email, 'password-prompt': true, disable: !v.enabled }, v.name), ...(v.project ? [osc('role add', { project: v.project, user: v.name }, v.role)] : [])] },
    { id: 'edit', label: 'Edit', on: 'row', admin: true, joins: { projects: lists.projects }, fields: (r, c) => [{ ...nameField, initial: r.name }, { ...descriptionField, initial: r.description ?? '' }, { id: 'email', label: 'E-mail', initial: r.email ?? '' }, { id: 'project', label: 'Default project', kind: 'select', initial: r.default_project_id ?? '', options: () => options(c, 'projects') }], calls: (v, r) => [call('identity', 'PATCH', `/v3/users/${r.id}`, { user: { name: v.name, description: v.description, email: v.email, default_project_id: v.project || null } })], cli: (v, r) => osc('user set', { name: v.name, email: v.email, project: v.project }, r.id) },
    { id: 'password', label: 'Change password', on: 'row', admin: true, fields: passwords, calls: (v, r) => [call('identity', 'PATCH', `/v3/users/${r.id}`, { user: { password: v.password } })], cli: (_, r) => osc('user set --password-prompt', {}, r.id) },
    { id: 'mfa', label: 'Set up one-time codes', on: 'row', admin: true, text: 'A secret is made for an authenticator app. The user then signs in with the password and a code.', fields: [{ id: 'force', label: 'Require the code from now on', kind: 'switch' }],
      calls: (v, r, c) => [call('identity', 'POST', '/v3/credentials', { credential: { type: 'totp', blob: newSecret(), user_id: r.id, project_id: c.offer.project || undefined } }), ...(v.force ? [call('identity', 'PATCH', `/v3/users/${r.id}`, { user: { options: { multi_factor_auth_enabled: true, multi_factor_auth_rules: [['password', 'totp']] } } })] : [])], cli: (v, r) => [osc('credential create', { type: 'totp' }, r.id, 'SECRET'), ...(v.force ? [osc('user set --enable-multi-factor-auth', { 'multi-factor-auth-rule': 'password,totp' }, r.id)] : [])],
      result: (a, _, r) => { const s = a[0]?.credential?.blob; return s && <div><p>{t('Enter this secret into the authenticator app of {user}. It is shown only now.', { user: r.name })}</p><p><code>{s}</code><Copy text={s} label={t('Copy')} /></p><p><code className="long">otpauth://totp/stackd:{encodeURIComponent(r.name)}?secret={s}&amp;issuer=stackd</code></p></div> } },
    { id: 'nomfa', label: 'No one-time codes', on: 'row', admin: true, when: r => !!r.options?.multi_factor_auth_enabled, text: 'The password alone is enough from now on.', calls: (_, r) => [call('identity', 'PATCH', `/v3/users/${r.id}`, { user: { options: { multi_factor_auth_enabled: false } } })], cli: (_, r) => osc('user set --disable-multi-factor-auth', {}, r.id) },
    set('users', 'user', 'Enable', true, 'user'), set('users', 'user', 'Disable', false, 'user'), { ...remove('users', 'user', (r, c) => r.id !== c.offer.session.user.id), admin: true },
  ],
  tabs: [{ id: 'roles', label: 'Roles', show: r => <UserRoles user={r} />, when: (_, c) => c.offer.admin }],
}

let secretOf: { secret: string; at: number } | undefined
/** A secret for an authenticator, 160 bits in base32; the same for the preview and the call of one dialog. */
function newSecret(): string {
  if (secretOf && Date.now() - secretOf.at < 1000) { secretOf.at = Date.now(); return secretOf.secret }
  const b = crypto.getRandomValues(new Uint8Array(32))
  const secret = [...b].map(x => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[x & 31]).join('')
  secretOf = { secret, at: Date.now() }
  return secret
}

export const groups: Resource = {
  id: 'groups', label: 'Groups', one: 'Group', need: 'identity', joins: { domains: lists.domains }, source: lists.userGroups,
  columns: [nameColumn('/identity/groups'), { id: 'description', label: 'Description', value: r => r.description }, domainColumn, idColumn],
  actions: [
    { id: 'create', label: 'Create group', on: 'table', admin: true, joins: { domains: lists.domains }, fields: (_, c) => [nameField, descriptionField, { id: 'domain', label: 'Domain', kind: 'select', required: true, initial: home(c), options: () => options(c, 'domains') }], calls: v => [call('identity', 'POST', '/v3/groups', { group: { name: v.name, description: v.description, domain_id: v.domain } })], cli: v => osc('group create', { domain: v.domain, description: v.description }, v.name) },
    { id: 'members', label: 'Manage members', on: 'row', admin: true, to: r => `/identity/groups/${r.id}?tab=members`, calls: () => [], cli: () => '' },
    { id: 'edit', label: 'Edit', on: 'row', admin: true, fields: r => [{ ...nameField, initial: r.name }, { ...descriptionField, initial: r.description ?? '' }], calls: (v, r) => [call('identity', 'PATCH', `/v3/groups/${r.id}`, { group: { name: v.name, description: v.description } })], cli: (v, r) => osc('group set', { name: v.name, description: v.description }, r.id) },
    { ...remove('groups', 'group'), admin: true },
  ],
  tabs: [{ id: 'members', label: 'Members', show: r => <GroupMembers group={r} /> }],
}

export const roles: Resource = {
  id: 'roles', label: 'Roles', one: 'Role', need: 'identity', source: lists.roles,
  columns: [nameColumn('/identity/roles'), { id: 'description', label: 'Description', value: r => r.description }, { id: 'domain', label: 'Domain', value: r => r.domain_id, off: true }, { ...idColumn, off: false }],
  actions: [
    { id: 'create', label: 'Create role', on: 'table', admin: true, fields: [nameField, descriptionField], calls: v => [call('identity', 'POST', '/v3/roles', { role: lean({ name: v.name, description: v.description }) })], cli: v => osc('role create', { description: v.description }, v.name) },
    { id: 'edit', label: 'Edit', on: 'row', admin: true, fields: r => [{ ...nameField, initial: r.name }], calls: (v, r) => [call('identity', 'PATCH', `/v3/roles/${r.id}`, { role: { name: v.name } })], cli: (v, r) => osc('role set', { name: v.name }, r.id) },
    { ...remove('roles', 'role'), admin: true },
  ],
}

export const domains: Resource = {
  id: 'domains', label: 'Domains', one: 'Domain', need: 'identity', source: lists.domains,
  columns: [nameColumn('/identity/domains'), enabled, descriptionColumn, { ...idColumn, off: false }],
  actions: [
    { id: 'create', label: 'Create domain', on: 'table', admin: true, fields: [nameField, descriptionField, { id: 'enabled', label: 'Enabled', kind: 'switch', initial: true }], calls: v => [call('identity', 'POST', '/v3/domains', { domain: { name: v.name, description: v.description, enabled: v.enabled } })], cli: v => osc('domain create', { description: v.description, disable: !v.enabled }, v.name) },
    { id: 'edit', label: 'Edit', on: 'row', admin: true, fields: r => [{ ...nameField, initial: r.name }, { ...descriptionField, initial: r.description ?? '' }], calls: (v, r) => [call('identity', 'PATCH', `/v3/domains/${r.id}`, { domain: { name: v.name, description: v.description } })], cli: (v, r) => osc('domain set', { name: v.name, description: v.description }, r.id) },
    set('domains', 'domain', 'Enable', true, 'domain'), { ...set('domains', 'domain', 'Disable', false, 'domain'), text: 'Nobody of a disabled domain can sign in.' }, { ...remove('domains', 'domain', r => r.enabled === false), admin: true },
  ],
}

const mine = (o: { session: { user: { id: string } } }) => o.session.user.id

export const appCredentials: Resource = {
  id: 'application-credentials', label: 'Application credentials', one: 'Application credential', need: 'identity', joins: { projects: o => o.admin ? lists.projects() : ({ service: 'identity', path: '/v3/auth/projects', key: 'projects', kinds: ['project'] }) },
  source: o => ({ service: 'identity', path: `/v3/users/${mine(o)}/application_credentials`, key: 'application_credentials', kinds: ['application_credential'] }),
  columns: [nameColumn('/identity/application-credentials'), { id: 'project', label: 'Project', value: (r, c) => c.name('projects', r.project_id) }, { id: 'roles', label: 'Roles', value: r => (r.roles ?? []).map((x: Row) => x.name).join(', ') }, { id: 'expires', label: 'Expires', value: r => r.expires_at, show: r => r.expires_at ? <Ago at={r.expires_at} /> : t('never') }, { id: 'unrestricted', label: 'Unrestricted', value: r => !!r.unrestricted, off: true }, { id: 'description', label: 'Description', value: r => r.description }, idColumn],
  empty: 'An application credential lets a program act for you, with as few roles as it needs and without your password.',
  actions: [
    { id: 'create', label: 'Create application credential', on: 'table', fields: (_, c) => [nameField, descriptionField, { id: 'expires', label: 'Expires', kind: 'date', help: 'Empty: never.' }, { id: 'roles', label: 'Roles', kind: 'many', help: 'None chosen: all of yours.', options: () => c.offer.session.roles.map(r => ({ value: r, label: r })) }, { id: 'unrestricted', label: 'Unrestricted: may make and delete application credentials', kind: 'switch' }],
      calls: (v, _, c) => [call('identity', 'POST', `/v3/users/${mine(c.offer)}/application_credentials`, { application_credential: lean({ name: v.name, description: v.description, expires_at: v.expires ? new Date(v.expires).toISOString().replace('Z', '') : undefined, roles: (v.roles ?? []).map((n: string) => ({ name: n })), unrestricted: v.unrestricted }) })], cli: v => osc('application credential create', { description: v.description, role: v.roles, expiration: v.expires, unrestricted: v.unrestricted }, v.name),
      result: a => { const x = a[0]?.application_credential; return x && <div><p>{t('The secret is shown only now.')}</p><p>{t('ID')}: <code>{x.id}</code><Copy text={x.id} label={t('Copy')} /></p><p>{t('Secret')}: <code className="long">{x.secret}</code><Copy text={x.secret} label={t('Copy')} /></p></div> } },
    { id: 'delete', label: 'Delete', danger: true, on: 'bulk', text: 'Programs that use them cannot sign in any more.', calls: (_, r, c) => [call('identity', 'DELETE', `/v3/users/${mine(c.offer)}/application_credentials/${r.id}`)], cli: (_, r) => osc('application credential delete', {}, r.id) },
  ],
}

export const credentials: Resource = {
  id: 'credentials', label: 'User credentials', one: 'User credential', need: 'identity', source: () => ({ service: 'identity', path: '/v3/credentials', key: 'credentials', kinds: ['credential'] }), joins: { users: lists.users, projects: lists.projects }, rowName: r => `${r.type} ${String(r.id).slice(0, 8)}`, noDetails: true,
  columns: [{ id: 'type', label: 'Type', value: r => r.type }, { id: 'user', label: 'User', value: (r, c) => c.name('users', r.user_id) }, { id: 'project', label: 'Project', value: (r, c) => r.project_id ? c.name('projects', r.project_id) : '' }, { ...idColumn, off: false }],
  facets: ['type'],
  actions: [
    { id: 'create', label: 'Create user credential', on: 'table', admin: true, joins: { users: lists.users, projects: lists.projects }, fields: (_, c) => [{ id: 'user', label: 'User', kind: 'select', required: true, options: () => options(c, 'users') }, { id: 'type', label: 'Type', kind: 'select', required: true, options: () => ['totp', 'ec2', 'cert'].map(x => ({ value: x, label: x })) }, { id: 'blob', label: 'Content', kind: 'long', required: true }, { id: 'project', label: 'Project', kind: 'select', required: true, when: v => v.type === 'ec2', options: () => options(c, 'projects') }], calls: v => [call('identity', 'POST', '/v3/credentials', { credential: lean({ user_id: v.user, type: v.type, blob: v.blob, project_id: v.project }) })], cli: v => osc('credential create', { type: v.type, project: v.project }, v.user, '…') },
    { ...remove('credentials', 'credential'), admin: true },
  ],
}

export const providers: Resource = {
  id: 'identity-providers', label: 'Identity providers', one: 'Identity provider', need: 'identity', source: () => ({ service: 'identity', path: '/v3/OS-FEDERATION/identity_providers', key: 'identity_providers', kinds: ['federation'] }), rowName: r => r.id,
  columns: [{ id: 'name', label: 'ID', value: r => r.id, show: r => <Id of={r.id} /> }, enabled, { id: 'remote', label: 'Remote IDs', value: r => (r.remote_ids ?? []).join(', ') }, { id: 'description', label: 'Description', value: r => r.description }],
  noDetails: true, empty: 'People of another identity service sign in here without a password of this cloud.',
  actions: [
    { id: 'create', label: 'Register identity provider', on: 'table', admin: true, fields: [{ id: 'id', label: 'ID', required: true }, { id: 'remote', label: 'Remote IDs', kind: 'lines', help: 'One a line.' }, descriptionField], calls: v => [call('identity', 'PUT', `/v3/OS-FEDERATION/identity_providers/${encodeURIComponent(v.id)}`, { identity_provider: { enabled: true, description: v.description, remote_ids: String(v.remote).split('\n').map(s => s.trim()).filter(Boolean) } })], cli: v => osc('identity provider create', { 'remote-id': String(v.remote).split('\n').filter(Boolean) }, v.id) },
    { id: 'protocol', label: 'Add protocol', on: 'row', admin: true, joins: { mappings: () => mappings.source(null as never) }, fields: (_, c) => [{ id: 'id', label: 'Protocol', kind: 'select', required: true, options: () => ['openid', 'saml2', 'mapped'].map(x => ({ value: x, label: x })) }, { id: 'mapping', label: 'Mapping', kind: 'select', required: true, options: () => options(c, 'mappings', r => r.id) }], calls: (v, r) => [call('identity', 'PUT', `/v3/OS-FEDERATION/identity_providers/${r.id}/protocols/${v.id}`, { protocol: { mapping_id: v.mapping } })], cli: (v, r) => osc('federation protocol create', { 'identity-provider': r.id, mapping: v.mapping }, v.id) },
    { ...remove('OS-FEDERATION/identity_providers', 'identity provider'), admin: true },
  ],
}

export const mappings: Resource = {
  id: 'mappings', label: 'Mappings', one: 'Mapping', need: 'identity', noDetails: true, rowName: r => r.id, source: () => ({ service: 'identity', path: '/v3/OS-FEDERATION/mappings', key: 'mappings', kinds: ['federation'] }),
  columns: [{ id: 'name', label: 'ID', value: r => r.id }, { id: 'rules', label: 'Rules', value: r => JSON.stringify(r.rules), show: r => <code className="clip">{JSON.stringify(r.rules)}</code> }],
  actions: [
    { id: 'create', label: 'Create mapping', on: 'table', admin: true, fields: [{ id: 'id', label: 'ID', required: true }, rulesField()], calls: v => [call('identity', 'PUT', `/v3/OS-FEDERATION/mappings/${encodeURIComponent(v.id)}`, { mapping: { rules: parsed(v.rules) } })], cli: v => osc('mapping create', { rules: 'rules.json' }, v.id) },
    { id: 'edit', label: 'Edit', on: 'row', admin: true, fields: r => [{ ...rulesField(), initial: JSON.stringify(r.rules, null, 2) }], calls: (v, r) => [call('identity', 'PATCH', `/v3/OS-FEDERATION/mappings/${r.id}`, { mapping: { rules: parsed(v.rules) } })], cli: (_, r) => osc('mapping set', { rules: 'rules.json' }, r.id) },
    { ...remove('OS-FEDERATION/mappings', 'mapping'), admin: true },
  ],
}
function parsed(s: string): unknown { try { return JSON.parse(s) } catch { return [] } }
function rulesField() { return { id: 'rules', label: 'Rules' as const, kind: 'long' as const, required: true, check: (v: string) => { try { return Array.isArray(JSON.parse(v)) ? undefined : 'A list of rules in JSON is wanted.' as const } catch { return 'A list of rules in JSON is wanted.' as const } } } }
