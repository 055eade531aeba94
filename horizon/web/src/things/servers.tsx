import { lazy } from 'react'
import { gib, mib, osc } from '../core/format'
import type { Action, Ctx, Resource, Row } from '../core/resource'
import { Ago, Id, Status, Thing } from '../ui/parts'
import { call, cleanPairs, idColumn, lean, lists, nameField, options, pairs, projectColumn, type Place } from './common'

const Console = lazy(() => import('../pages/console'))
const Log = lazy(() => import('../pages/log'))
const Interfaces = lazy(() => import('../pages/servertabs').then(m => ({ default: m.Interfaces })))
const ServerVolumes = lazy(() => import('../pages/servertabs').then(m => ({ default: m.ServerVolumes })))
const ActionLog = lazy(() => import('../pages/servertabs').then(m => ({ default: m.ActionLog })))

export const addresses = (r: Row): string[] => Object.values(r.addresses ?? {}).flatMap((l: any) => l.map((a: any) => String(a.addr)))
const is = (...s: string[]) => (r: Row) => s.includes(r.status) && !r['OS-EXT-STS:task_state']
const still = (r: Row) => !r['OS-EXT-STS:task_state']
const act = (r: Row, body: unknown) => [call('compute', 'POST', `/v2.1/servers/${r.id}/action`, body)]
const plain = (id: string, label: Action['label'], verb: string, body: unknown, when: Action['when'], more: Partial<Action> = {}): Action =>
  ({ id, label, on: 'bulk', when, calls: (_, r) => act(r, body), cli: (_, r) => osc(`server ${verb}`, {}, r.id), ...more })

export const task = (r: Row) => r['OS-EXT-STS:task_state'] as string | null
const portName = (p: Row) => p.name || p.fixed_ips?.map((f: Row) => f.ip_address).join(', ') || p.id.slice(0, 8)

export function serverActions(admin: boolean): Action[] {
  const ports = () => lists.ports()
  return [
    { id: 'launch', label: 'Launch server', on: 'table', to: () => '/project/launch', calls: () => [], cli: () => '', when: () => !admin },
    plain('start', 'Start', 'start', { 'os-start': null }, is('SHUTOFF')),
    plain('stop', 'Shut off', 'stop', { 'os-stop': null }, is('ACTIVE', 'ERROR'), { text: 'The guest is asked to shut down, and is ended if it does not.' }),
    plain('reboot', 'Reboot', 'reboot', { reboot: { type: 'SOFT' } }, is('ACTIVE')),
    plain('reset', 'Reset hard', 'reboot --hard', { reboot: { type: 'HARD' } }, r => still(r) && ['ACTIVE', 'SHUTOFF', 'ERROR', 'PAUSED', 'SUSPENDED', 'HARD_REBOOT'].includes(r.status), { text: 'As if the reset button were pressed: what was not written yet is lost.' }),
    { id: 'edit', label: 'Edit', on: 'row', fields: r => [{ ...nameField, initial: r.name }, { id: 'description', label: 'Description', initial: r.description ?? '' }], calls: (v, r) => [call('compute', 'PUT', `/v2.1/servers/${r.id}`, { server: { name: v.name, description: v.description || null } })], cli: (v, r) => osc('server set', { name: v.name, description: v.description }, r.id) },
    { id: 'float', label: 'Associate floating IP', on: 'row', need: 'network:router', when: r => addresses(r).length > 0, joins: { ips: lists.floatingIps, ports, nets: lists.networks },
      fields: (r, c) => [
        { id: 'port', label: 'Address of the server', kind: 'select', required: true, options: () => c.rows('ports').filter(p => p.device_id === r.id).map(p => ({ value: p.id, label: portName(p) })) },
        { id: 'ip', label: 'Floating IP', kind: 'select', required: true, help: 'A new one is taken from the network if none of yours is free.', options: () => [...options(c, 'ips', x => x.floating_ip_address, x => x.id, x => !x.port_id), ...options(c, 'nets', x => x.name, x => `new:${x.id}`, x => x['router:external']).map(o => ({ ...o, group: 'new', label: `+ ${o.label}` }))] }],
      calls: (v) => String(v.ip).startsWith('new:') ? [call('network', 'POST', '/v2.0/floatingips', { floatingip: { floating_network_id: v.ip.slice(4), port_id: v.port } })] : [call('network', 'PUT', `/v2.0/floatingips/${v.ip}`, { floatingip: { port_id: v.port } })],
      cli: (v) => String(v.ip).startsWith('new:') ? osc('floating ip create', { port: v.port }, v.ip.slice(4)) : osc('floating ip set', { port: v.port }, v.ip) },
    { id: 'unfloat', label: 'Disassociate floating IP', on: 'row', need: 'network:router', when: r => Object.values(r.addresses ?? {}).some((l: any) => l.some((a: any) => a['OS-EXT-IPS:type'] === 'floating')), joins: { ips: lists.floatingIps },
      fields: (r, c) => [{ id: 'ip', label: 'Floating IP', kind: 'select', required: true, options: () => options(c, 'ips', x => x.floating_ip_address, x => x.id, x => x.port_details?.device_id === r.id || addresses(r).includes(x.floating_ip_address)) }],
      calls: v => [call('network', 'PUT', `/v2.0/floatingips/${v.ip}`, { floatingip: { port_id: null } })], cli: v => osc('floating ip unset --port', {}, v.ip) },
    { id: 'attach-interface', label: 'Attach interface', on: 'row', need: 'compute:os-attach-interfaces', when: r => ['ACTIVE', 'PAUSED', 'SHUTOFF'].includes(r.status), joins: { nets: lists.networks, ports },
      fields: (_, c) => [{ id: 'net', label: 'Network', kind: 'select', options: () => options(c, 'nets', x => x.name, x => x.id, x => !x['router:external']), when: v => !v.port }, { id: 'ip', label: 'Fixed address', when: v => !!v.net && !v.port, help: 'Empty: one is chosen.' }, { id: 'port', label: 'Or a port', kind: 'select', options: () => c.rows('ports').filter(p => !p.device_id).map(p => ({ value: p.id, label: portName(p) })) }],
      calls: (v, r) => [call('compute', 'POST', `/v2.1/servers/${r.id}/os-interface`, { interfaceAttachment: v.port ? { port_id: v.port } : { net_id: v.net, ...(v.ip ? { fixed_ips: [{ ip_address: v.ip }] } : {}) } })],
      cli: (v, r) => v.port ? osc('server add port', {}, r.id, v.port) : v.ip ? osc('server add fixed ip', { 'fixed-ip-address': v.ip }, r.id, v.net) : osc('server add network', {}, r.id, v.net) },
    { id: 'detach-interface', label: 'Detach interface', on: 'row', need: 'compute:os-attach-interfaces', when: r => addresses(r).length > 0 && ['ACTIVE', 'PAUSED', 'SHUTOFF'].includes(r.status), joins: { ports },
      fields: (r, c) => [{ id: 'port', label: 'Port', kind: 'select', required: true, options: () => c.rows('ports').filter(p => p.device_id === r.id).map(p => ({ value: p.id, label: portName(p) })) }],
      calls: (v, r) => [call('compute', 'DELETE', `/v2.1/servers/${r.id}/os-interface/${v.port}`)], cli: (v, r) => osc('server remove port', {}, r.id, v.port) },
    { id: 'attach-volume', label: 'Attach volume', on: 'row', need: 'volume', when: r => ['ACTIVE', 'PAUSED', 'SHUTOFF', 'SUSPENDED'].includes(r.status), joins: { volumes: lists.volumes },
      fields: (_, c) => [{ id: 'volume', label: 'Volume', kind: 'select', required: true, options: () => c.rows('volumes').filter(x => x.status === 'available' || (x.multiattach && x.status === 'in-use')).map(x => ({ value: x.id, label: x.name || x.id.slice(0, 8), note: gib(x.size) })) }, { id: 'drop', label: 'Delete the volume with the server', kind: 'switch' }],
      calls: (v, r) => [call('compute', 'POST', `/v2.1/servers/${r.id}/os-volume_attachments`, { volumeAttachment: { volumeId: v.volume, ...(v.drop ? { delete_on_termination: true } : {}) } })], cli: (v, r) => osc('server add volume', { 'enable-delete-on-termination': !!v.drop }, r.id, v.volume) },
    { id: 'detach-volume', label: 'Detach volume', on: 'row', need: 'volume', when: r => (r['os-extended-volumes:volumes_attached'] ?? []).length > 0, joins: { volumes: lists.volumes },
      fields: (r, c) => [{ id: 'volume', label: 'Volume', kind: 'select', required: true, options: () => r['os-extended-volumes:volumes_attached'].map((x: Row) => ({ value: x.id, label: c.name('volumes', x.id) })) }],
      calls: (v, r) => [call('compute', 'DELETE', `/v2.1/servers/${r.id}/os-volume_attachments/${v.volume}`)], cli: (v, r) => osc('server remove volume', {}, r.id, v.volume) },
    { id: 'snapshot', label: 'Create snapshot', on: 'row', when: is('ACTIVE', 'SHUTOFF', 'PAUSED', 'SUSPENDED'), fields: r => [{ ...nameField, initial: `${r.name}-snapshot` }],
      calls: (v, r) => act(r, { createImage: { name: v.name } }), cli: (v, r) => osc('server image create', { name: v.name }, r.id) },
    { id: 'add-group', label: 'Add security group', on: 'row', need: 'network:security-group', joins: { groups: lists.groups }, fields: (r, c) => [{ id: 'group', label: 'Security group', kind: 'select', required: true, options: () => options(c, 'groups', x => x.name, x => x.id, x => own_(x, r) && !(r.security_groups ?? []).some((g: Row) => g.name === x.name)) }],
      calls: (v, r) => act(r, { addSecurityGroup: { name: v.group } }), cli: (v, r) => osc('server add security group', {}, r.id, v.group) },
    { id: 'drop-group', label: 'Remove security group', on: 'row', need: 'network:security-group', when: r => (r.security_groups ?? []).length > 0, fields: r => [{ id: 'group', label: 'Security group', kind: 'select', required: true, options: () => [...new Set<string>(r.security_groups.map((g: Row) => g.name))].map(n => ({ value: n, label: n })) }],
      calls: (v, r) => act(r, { removeSecurityGroup: { name: v.group } }), cli: (v, r) => osc('server remove security group', {}, r.id, v.group) },
    { id: 'metadata', label: 'Update metadata', on: 'row', fields: r => [{ id: 'metadata', label: 'Metadata', kind: 'pairs', initial: r.metadata ?? {} }], calls: (v, r) => [call('compute', 'PUT', `/v2.1/servers/${r.id}/metadata`, { metadata: cleanPairs(v.metadata) })], cli: (v, r) => osc('server set', { property: pairs(v.metadata) }, r.id) },
    { id: 'tags', label: 'Edit tags', on: 'row', fields: r => [{ id: 'tags', label: 'Tags', initial: (r.tags ?? []).join(', '), help: 'Separated by commas.' }], calls: (v, r) => [call('compute', 'PUT', `/v2.1/servers/${r.id}/tags`, { tags: String(v.tags).split(',').map(s => s.trim()).filter(Boolean) })], cli: (v, r) => osc('server set', { tag: String(v.tags).split(',').map(s => s.trim()).filter(Boolean) }, r.id) },
    plain('pause', 'Pause', 'pause', { pause: null }, is('ACTIVE')),
    plain('unpause', 'Unpause', 'unpause', { unpause: null }, is('PAUSED')),
    plain('suspend', 'Suspend', 'suspend', { suspend: null }, is('ACTIVE')),
    plain('resume', 'Resume', 'resume', { resume: null }, is('SUSPENDED')),
    plain('lock', 'Lock', 'lock', { lock: null }, r => !r.locked),
    plain('unlock', 'Unlock', 'unlock', { unlock: null }, r => !!r.locked),
    { id: 'resize', label: 'Resize', on: 'row', need: 'compute:os-migrate-server', when: is('ACTIVE', 'SHUTOFF'), joins: { flavors: lists.flavors }, fields: (_, c) => [{ id: 'flavor', label: 'Flavor', kind: 'select', required: true, options: () => options(c, 'flavors', f => `${f.name} · ${f.vcpus} vCPU · ${mib(f.ram)}`) }], calls: (v, r) => act(r, { resize: { flavorRef: v.flavor } }), cli: (v, r) => osc('server resize', { flavor: v.flavor }, r.id) },
    plain('confirm', 'Confirm resize', 'resize confirm', { confirmResize: null }, is('VERIFY_RESIZE'), { need: 'compute:os-migrate-server' }),
    plain('revert', 'Revert resize', 'resize revert', { revertResize: null }, is('VERIFY_RESIZE'), { need: 'compute:os-migrate-server' }),
    { id: 'rebuild', label: 'Rebuild', danger: true, on: 'row', need: 'compute:os-rescue', when: is('ACTIVE', 'SHUTOFF', 'ERROR'), text: 'The disk is made anew from the image; what is on it is lost.', joins: { images: lists.images }, fields: (r, c) => [{ id: 'image', label: 'Image', kind: 'select', required: true, initial: r.image?.id ?? '', options: () => options(c, 'images') }], calls: (v, r) => act(r, { rebuild: { imageRef: v.image } }), cli: (v, r) => osc('server rebuild', { image: v.image }, r.id) },
    plain('rescue', 'Rescue', 'rescue', { rescue: {} }, is('ACTIVE', 'SHUTOFF', 'ERROR'), { need: 'compute:os-rescue', text: 'The server starts from its image, with its own disk as a second one.' }),
    plain('unrescue', 'Unrescue', 'unrescue', { unrescue: null }, is('RESCUE'), { need: 'compute:os-rescue' }),
    plain('shelve', 'Shelve', 'shelve', { shelve: null }, is('ACTIVE', 'SHUTOFF', 'PAUSED', 'SUSPENDED'), { need: 'compute:os-shelve' }),
    plain('unshelve', 'Unshelve', 'unshelve', { unshelve: null }, is('SHELVED', 'SHELVED_OFFLOADED'), { need: 'compute:os-shelve' }),
    plain('migrate', 'Migrate', 'migrate', { migrate: null }, is('ACTIVE', 'SHUTOFF'), { admin: true, need: 'compute:os-migrate-server', text: 'The server moves to another host and is off for a moment.' }),
    { id: 'live-migrate', label: 'Migrate live', on: 'row', admin: true, need: 'compute:os-migrate-server', when: is('ACTIVE'), joins: { hosts: lists.hypervisors }, fields: (r, c) => [{ id: 'host', label: 'Host', kind: 'select', help: 'Empty: one is chosen.', options: () => options(c, 'hosts', h => h.hypervisor_hostname, h => h.service?.host ?? h.hypervisor_hostname, h => h.hypervisor_hostname !== r['OS-EXT-SRV-ATTR:host']) }], calls: (v, r) => act(r, { 'os-migrateLive': { host: v.host || null, block_migration: 'auto' } }), cli: (v, r) => osc('server migrate --live-migration', { host: v.host }, r.id) },
    { id: 'evacuate', label: 'Evacuate', on: 'row', admin: true, need: 'compute:os-evacuate', when: r => r.host_status === 'DOWN', text: 'Only when its host is really off: else the guest would run twice.', calls: (_, r) => act(r, { evacuate: {} }), cli: (_, r) => osc('server evacuate', {}, r.id) },
    { id: 'reset-state', label: 'Reset state', on: 'row', admin: true, when: () => admin, fields: [{ id: 'state', label: 'Status', kind: 'select', required: true, options: () => ['active', 'error'].map(x => ({ value: x, label: x })) }], calls: (v, r) => act(r, { 'os-resetState': { state: v.state } }), cli: (v, r) => osc('server set', { state: v.state }, r.id) },
    { id: 'delete', label: 'Delete', danger: true, on: 'bulk', text: 'The servers and their local disks are deleted. Volumes stay, unless they were made to go with the server.', when: r => !r.locked, calls: (_, r) => [call('compute', 'DELETE', `/v2.1/servers/${r.id}`)], cli: (_, r) => osc('server delete', {}, r.id) },
  ]
}
const own_ = (g: Row, s: Row) => !g.project_id || !s.tenant_id || g.project_id === s.tenant_id

const flavorText = (r: Row) => r.flavor?.original_name ?? r.flavor?.id

export function servers(place: Place): Resource {
  const admin = place === 'admin'
  return {
    id: 'servers', label: 'Servers', one: 'Server', need: 'compute',
    source: admin ? lists.allServers : lists.servers,
    joins: { images: lists.images, ...(admin ? { projects: lists.projects } : {}) },
    columns: [
      { id: 'name', label: 'Name', value: r => r.name, show: r => <><Thing to={`/${place}/servers`} id={r.id} name={r.name} />{r.locked && <span title="locked" aria-label="locked"> 🔒</span>}</> },
      ...(admin ? [projectColumn, { id: 'host', label: 'Host', value: (r: Row) => r['OS-EXT-SRV-ATTR:host'] } as const] : []),
      { id: 'status', label: 'Status', value: r => r.status, show: r => <Status of={r.status} note={task(r)} />, width: '12rem' },
      { id: 'address', label: 'Addresses', value: r => addresses(r).join(', ') },
      { id: 'flavor', label: 'Flavor', value: r => flavorText(r), width: '9rem' },
      { id: 'image', label: 'Image', value: (r, c) => r.image?.id ? c.name('images', r.image.id) : '' },
      { id: 'key', label: 'Key pair', value: r => r.key_name, width: '8rem' },
      { id: 'zone', label: 'Availability zone', value: r => r['OS-EXT-AZ:availability_zone'], off: true },
      { id: 'tags', label: 'Tags', value: r => (r.tags ?? []).join(', '), off: true },
      { id: 'created', label: 'Created', value: r => r.created, show: r => <Ago at={r.created} />, width: '10rem' },
      idColumn,
    ],
    facets: ['status', 'flavor', ...(admin ? ['project', 'host'] : [])],
    actions: serverActions(admin).filter(a => !(admin && a.id === 'launch')),
    empty: 'A server is a virtual machine: choose an image, a size and a network, and it runs within seconds.',
    facts: [
      { label: 'Status', value: r => <Status of={r.status} note={task(r)} /> },
      { label: 'Fault', value: r => r.fault ? `${r.fault.code}: ${r.fault.message}` : '' },
      { label: 'Addresses', value: r => <ul className="plain">{Object.entries(r.addresses ?? {}).map(([n, l]: [string, any]) => <li key={n}>{n}: {l.map((a: Row) => a.addr).join(', ')}</li>)}</ul> },
      { label: 'Flavor', value: r => r.flavor ? `${flavorText(r)} · ${r.flavor.vcpus} vCPU · ${mib(r.flavor.ram)} · ${gib(r.flavor.disk)}` : '' },
      { label: 'Image', value: (r, c) => r.image?.id ? <Thing to="/project/images" id={r.image.id} name={c.name('images', r.image.id)} /> : '' },
      { label: 'Key pair', value: r => r.key_name },
      { label: 'Security groups', value: r => [...new Set((r.security_groups ?? []).map((g: Row) => g.name))].join(', ') },
      { label: 'Availability zone', value: r => r['OS-EXT-AZ:availability_zone'] },
      { label: 'Host', value: r => r['OS-EXT-SRV-ATTR:host'] },
      { label: 'Created', value: r => <Ago at={r.created} /> },
      { label: 'Launched', value: r => <Ago at={r['OS-SRV-USG:launched_at']} /> },
      { label: 'Metadata', value: r => <ul className="plain">{Object.entries(r.metadata ?? {}).map(([k, v]) => <li key={k}><code>{k}</code> = {String(v)}</li>)}</ul> },
      { label: 'Tags', value: r => (r.tags ?? []).join(', ') },
      { label: 'Project ID', value: r => <Id of={r.tenant_id} /> },
    ],
    tabs: [
      { id: 'console', label: 'Console', show: r => <Console server={r} /> },
      { id: 'log', label: 'Log', need: 'compute:os-console-output', show: r => <Log server={r} /> },
      { id: 'interfaces', label: 'Interfaces', show: r => <Interfaces server={r} /> },
      { id: 'volumes', label: 'Volumes', need: 'volume', show: r => <ServerVolumes server={r} /> },
      { id: 'actions', label: 'Actions', need: 'compute:os-instance-actions', show: r => <ActionLog server={r} /> },
    ],
  }
}

export const flavorsSeen: Resource = {
  id: 'flavors', label: 'Flavors', one: 'Flavor', need: 'compute', source: lists.flavors,
  columns: [
    { id: 'name', label: 'Name', value: r => r.name, show: r => <Thing to="/project/flavors" id={r.id} name={r.name} /> },
    { id: 'vcpus', label: 'vCPUs', value: r => r.vcpus }, { id: 'ram', label: 'Memory', value: r => r.ram, show: r => mib(r.ram) }, { id: 'disk', label: 'Root disk', value: r => r.disk, show: r => gib(r.disk) },
    { id: 'ephemeral', label: 'Ephemeral disk', value: r => r['OS-FLV-EXT-DATA:ephemeral'], show: r => gib(r['OS-FLV-EXT-DATA:ephemeral']), off: true }, { id: 'swap', label: 'Swap', value: r => Number(r.swap) || 0, show: r => mib(Number(r.swap) || 0), off: true },
    { id: 'public', label: 'Public', value: r => !!r['os-flavor-access:is_public'] }, { id: 'specs', label: 'Extra specs', value: r => pairs(r.extra_specs).join(', ') }, idColumn,
  ],
  actions: [],
}

export const serverGroups: Resource = {
  id: 'server-groups', label: 'Server groups', one: 'Server group', need: 'compute:os-server-groups', source: lists.serverGroups, joins: { servers: lists.servers },
  columns: [
    { id: 'name', label: 'Name', value: r => r.name, show: r => <Thing to="/project/server-groups" id={r.id} name={r.name} /> },
    { id: 'policy', label: 'Policy', value: r => r.policy ?? r.policies?.[0] },
    { id: 'members', label: 'Members', value: (r, c) => (r.members ?? []).map((m: string) => c.name('servers', m)).join(', ') }, idColumn,
  ],
  actions: [
    { id: 'create', label: 'Create server group', on: 'table', fields: [nameField, { id: 'policy', label: 'Policy', kind: 'select', required: true, options: () => ['anti-affinity', 'soft-anti-affinity', 'affinity', 'soft-affinity'].map(x => ({ value: x, label: x })) }, { id: 'max', label: 'Most servers on a host', kind: 'number', min: 1, when: v => v.policy === 'anti-affinity' }],
      calls: v => [call('compute', 'POST', '/v2.1/os-server-groups', { server_group: { name: v.name, policy: v.policy, ...(v.max ? { rules: { max_server_per_host: Number(v.max) } } : {}) } })], cli: v => osc('server group create', { policy: v.policy, rule: v.max ? `max_server_per_host=${v.max}` : undefined }, v.name) },
    { id: 'delete', label: 'Delete', danger: true, on: 'bulk', calls: (_, r) => [call('compute', 'DELETE', `/v2.1/os-server-groups/${r.id}`)], cli: (_, r) => osc('server group delete', {}, r.id) },
  ],
}

const NewKey = lazy(() => import('../pages/newkey'))
export const keyPairs: Resource = {
  id: 'keys', label: 'Key pairs', one: 'Key pair', need: 'compute:os-keypairs', source: lists.keys, rowId: r => r.name, rowName: r => r.name,
  one_: id => ({ service: 'compute', path: `/v2.1/os-keypairs/${encodeURIComponent(id)}` }),
  columns: [{ id: 'name', label: 'Name', value: r => r.name, show: r => <Thing to="/project/keys" id={r.name} name={r.name} /> }, { id: 'type', label: 'Type', value: r => r.type, width: '6rem' }, { id: 'fingerprint', label: 'Fingerprint', value: r => r.fingerprint, show: r => <code>{r.fingerprint}</code> }],
  empty: 'With a key pair you sign in to your servers. It is made in this browser: the private key is never sent anywhere.',
  actions: [
    { id: 'create', label: 'Create key pair', on: 'table', custom: NewKey, calls: () => [], cli: () => '' },
    { id: 'import', label: 'Import public key', on: 'table', fields: [nameField, { id: 'key', label: 'Public key', kind: 'long', required: true, placeholder: 'ssh-ed25519 AAAA…', check: v => /^(ssh-|ecdsa-|-----BEGIN CERT)/.test(String(v).trim()) ? undefined : 'A line as in id_ed25519.pub is wanted.' }],
      calls: v => [call('compute', 'POST', '/v2.1/os-keypairs', { keypair: { name: v.name, type: String(v.key).startsWith('-----') ? 'x509' : 'ssh', public_key: String(v.key).trim() } })], cli: v => osc('keypair create', { 'public-key': '~/.ssh/id_ed25519.pub' }, v.name) },
    { id: 'delete', label: 'Delete', danger: true, on: 'bulk', text: 'Servers that have the key keep it.', calls: (_, r) => [call('compute', 'DELETE', `/v2.1/os-keypairs/${encodeURIComponent(r.name)}`)], cli: (_, r) => osc('keypair delete', {}, r.name) },
  ],
  facts: [{ label: 'Fingerprint', value: r => <code>{r.fingerprint}</code> }, { label: 'Type', value: r => r.type }, { label: 'Created', value: r => <Ago at={r.created_at} /> }, { label: 'Public key', value: r => <Id of={r.public_key} /> }],
}

export { lean, type Ctx }
