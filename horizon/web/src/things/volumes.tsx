import { gib, osc } from '../core/format'
import type { Action, Ctx, Field, Resource, Row } from '../core/resource'
import { Ago, Copy, Status, Thing } from '../ui/parts'
import { call, cleanPairs, created, descriptionColumn, descriptionField, idColumn, lean, lists, nameColumn, nameField, anyName, num, options, pairs, type Place } from './common'
import { t } from '../i18n'

const act = (kind: string, r: Row, body: unknown) => [call('volume', 'POST', `/v3/${kind}/${r.id}/action`, body)]
const is = (...s: string[]) => (r: Row) => s.includes(r.status)
const title = (r: Row) => r.name || r.id.slice(0, 8)

const sizeField: Field = { id: 'size', label: 'Size in GiB', kind: 'number', required: true, min: 1, initial: 1 }
const typeField = (label: Field['label'] = 'Type'): Field => ({ id: 'type', label, kind: 'select', options: c => options(c, 'types', r => r.name, r => r.name) })

const createVolume: Action = {
  id: 'create', label: 'Create volume', on: 'table', joins: { types: lists.types, images: lists.images, snapshots: lists.snapshots, volumes: lists.volumes, zones: lists.volumeZones },
  fields: (_, c) => [anyName, descriptionField,
    { id: 'from', label: 'Made from', kind: 'select', required: true, initial: 'empty', options: () => [{ value: 'empty', label: t('Nothing: an empty volume') }, { value: 'image', label: t('Image') }, { value: 'snapshot', label: t('Snapshot') }, { value: 'volume', label: t('Volume') }] },
    { id: 'image', label: 'Image', kind: 'select', required: true, when: v => v.from === 'image', options: () => options(c, 'images', r => r.name, r => r.id, r => r.status === 'active') },
    { id: 'snapshot', label: 'Snapshot', kind: 'select', required: true, when: v => v.from === 'snapshot', options: () => options(c, 'snapshots', r => `${title(r)} (${r.size} GiB)`, r => r.id, is('available')) },
    { id: 'volume', label: 'Volume', kind: 'select', required: true, when: v => v.from === 'volume', options: () => options(c, 'volumes', r => `${title(r)} (${r.size} GiB)`, r => r.id, is('available', 'in-use')) },
    sizeField, typeField(), { id: 'zone', label: 'Availability zone', kind: 'select', options: () => options(c, 'zones') }],
  calls: v => [call('volume', 'POST', '/v3/volumes', { volume: lean({ name: v.name, description: v.description, size: num(v.size), volume_type: v.type, availability_zone: v.zone, imageRef: v.image, snapshot_id: v.snapshot, source_volid: v.volume }) })],
  cli: v => osc('volume create', { size: v.size, type: v.type, image: v.image, snapshot: v.snapshot, source: v.volume, 'availability-zone': v.zone, description: v.description }, v.name),
}

const states = ['available', 'error', 'in-use', 'creating', 'deleting', 'maintenance'].map(x => ({ value: x, label: x }))

export function volumes(place: Place): Resource {
  const admin = place === 'admin'
  return {
    id: 'volumes', label: 'Volumes', one: 'Volume', need: 'volume', source: admin ? lists.allVolumes : lists.volumes,
    joins: admin ? { projects: lists.projects, servers: lists.allServers } : { servers: lists.servers },
    columns: [
      nameColumn(`/${place}/volumes`),
      ...(admin ? [{ id: 'project', label: 'Project', value: (r: Row, c: Ctx) => c.name('projects', r['os-vol-tenant-attr:tenant_id']) } as const, { id: 'host', label: 'Host', value: (r: Row) => r['os-vol-host-attr:host'] } as const] : []),
      { id: 'status', label: 'Status', value: r => r.status, show: r => <Status of={r.status} />, width: '10rem' },
      { id: 'size', label: 'Size', value: r => r.size, show: r => gib(r.size), width: '7rem' },
      { id: 'attached', label: 'Attached to', value: (r, c) => (r.attachments ?? []).map((a: Row) => `${c.name('servers', a.server_id)} (${a.device})`).join(', '), show: (r, c) => r.attachments?.length ? r.attachments.map((a: Row) => <span key={a.attachment_id}><Thing to={`/${place}/servers`} id={a.server_id} name={c.name('servers', a.server_id)} /> {a.device}</span>) : '–' },
      { id: 'type', label: 'Type', value: r => r.volume_type, width: '9rem' }, { id: 'bootable', label: 'Bootable', value: r => r.bootable === 'true' || r.bootable === true, width: '7rem' },
      { id: 'encrypted', label: 'Encrypted', value: r => !!r.encrypted, off: true }, { id: 'zone', label: 'Availability zone', value: r => r.availability_zone, off: true }, descriptionColumn, created, idColumn,
    ],
    facets: ['status', 'type', ...(admin ? ['project'] : [])],
    empty: 'A volume is a disk that outlives servers and moves between them.',
    actions: [
      ...(admin ? [] : [createVolume]),
      ...(admin ? [] : [{ id: 'accept', label: 'Accept transfer', on: 'table', fields: [{ id: 'id', label: 'Transfer ID', required: true }, { id: 'key', label: 'Authorization key', required: true }], calls: v => [call('volume', 'POST', `/v3/volume-transfers/${v.id}/accept`, { accept: { auth_key: v.key } })], cli: v => osc('volume transfer request accept', { 'auth-key': v.key }, v.id) } as Action]),
      { id: 'attach', label: 'Attach to server', on: 'row', need: 'compute', when: r => r.status === 'available' || (r.multiattach && r.status === 'in-use'), joins: { servers: lists.servers }, fields: (_, c) => [{ id: 'server', label: 'Server', kind: 'select', required: true, options: () => options(c, 'servers', s => s.name, s => s.id, s => ['ACTIVE', 'SHUTOFF', 'PAUSED', 'SUSPENDED'].includes(s.status)) }],
        calls: (v, r) => [call('compute', 'POST', `/v2.1/servers/${v.server}/os-volume_attachments`, { volumeAttachment: { volumeId: r.id } })], cli: (v, r) => osc('server add volume', {}, v.server, r.id) },
      { id: 'detach', label: 'Detach', on: 'row', need: 'compute', when: r => r.attachments?.length > 0, joins: { servers: admin ? lists.allServers : lists.servers }, fields: (r, c) => [{ id: 'server', label: 'Server', kind: 'select', required: true, options: () => r.attachments.map((a: Row) => ({ value: a.server_id, label: c.name('servers', a.server_id) })) }],
        calls: (v, r) => [call('compute', 'DELETE', `/v2.1/servers/${v.server}/os-volume_attachments/${r.id}`)], cli: (v, r) => osc('server remove volume', {}, v.server, r.id) },
      { id: 'launch', label: 'Launch server', on: 'row', need: 'compute', when: r => r.status === 'available' && (r.bootable === 'true' || r.bootable === true), to: r => `/project/launch?volume=${r.id}`, calls: () => [], cli: () => '' },
      { id: 'edit', label: 'Edit', on: 'row', fields: r => [{ ...anyName, initial: r.name ?? '' }, { ...descriptionField, initial: r.description ?? '' }, { id: 'bootable', label: 'Bootable', kind: 'switch', initial: r.bootable === 'true' || r.bootable === true }],
        calls: (v, r) => [call('volume', 'PUT', `/v3/volumes/${r.id}`, { volume: { name: v.name, description: v.description } }), ...((r.bootable === 'true' || r.bootable === true) !== v.bootable ? act('volumes', r, { 'os-set_bootable': { bootable: v.bootable } }) : [])], cli: (v, r) => osc('volume set', { name: v.name, description: v.description, bootable: v.bootable }, r.id) },
      { id: 'extend', label: 'Extend', on: 'row', when: is('available', 'in-use'), fields: r => [{ ...sizeField, min: r.size + 1, initial: r.size + 1 }], calls: (v, r) => act('volumes', r, { 'os-extend': { new_size: num(v.size) } }), cli: (v, r) => osc('volume set', { size: v.size }, r.id) },
      { id: 'snapshot', label: 'Create snapshot', on: 'row', when: is('available', 'in-use'), fields: r => [{ ...nameField, initial: `${title(r)}-snapshot` }, descriptionField], calls: (v, r) => [call('volume', 'POST', '/v3/snapshots', { snapshot: { volume_id: r.id, name: v.name, description: v.description, force: r.status === 'in-use' || undefined } })].map(noForce), cli: (v, r) => osc('volume snapshot create', { volume: r.id }, v.name) },
      { id: 'backup', label: 'Create backup', on: 'row', when: is('available', 'in-use'), fields: r => [{ ...nameField, initial: `${title(r)}-backup` }, descriptionField, { id: 'incremental', label: 'Only what has changed since the last backup', kind: 'switch' }], calls: (v, r) => [call('volume', 'POST', '/v3/backups', { backup: { volume_id: r.id, name: v.name, description: v.description, incremental: v.incremental, force: r.status === 'in-use' } })], cli: (v, r) => osc('volume backup create', { name: v.name, incremental: v.incremental, force: r.status === 'in-use' }, r.id) },
      { id: 'retype', label: 'Change type', on: 'row', when: is('available', 'in-use'), joins: { types: lists.types }, fields: r => [{ ...typeField('New type'), required: true, options: c => options(c, 'types', x => x.name, x => x.name, x => x.name !== r.volume_type) }, { id: 'policy', label: 'Migration', kind: 'select', required: true, initial: 'never', options: () => ['never', 'on-demand'].map(x => ({ value: x, label: x })) }], calls: (v, r) => act('volumes', r, { 'os-retype': { new_type: v.type, migration_policy: v.policy } }), cli: (v, r) => osc('volume set', { type: v.type, 'retype-policy': v.policy }, r.id) },
      { id: 'image', label: 'Upload to image', on: 'row', need: 'image', when: is('available', 'in-use'), fields: r => [{ ...nameField, initial: title(r) }, { id: 'format', label: 'Format', kind: 'select', required: true, initial: 'qcow2', options: () => ['qcow2', 'raw', 'vmdk', 'vdi'].map(x => ({ value: x, label: x })) }], calls: (v, r) => act('volumes', r, { 'os-volume_upload_image': { image_name: v.name, disk_format: v.format, container_format: 'bare', force: r.status === 'in-use' } }), cli: (v, r) => osc('image create', { volume: r.id, 'disk-format': v.format }, v.name) },
      { id: 'transfer', label: 'Transfer to another project', on: 'row', when: is('available'), fields: r => [{ ...nameField, initial: title(r) }], calls: (v, r) => [call('volume', 'POST', '/v3/volume-transfers', { transfer: { volume_id: r.id, name: v.name } })], cli: (v, r) => osc('volume transfer request create', { name: v.name }, r.id),
        result: a => { const x = a[0]?.transfer; return x && <div><p>{t('Give both to who shall have the volume. The key is not shown again.')}</p><p>{t('Transfer ID')}: <code>{x.id}</code><Copy text={x.id} label={t('Copy')} /></p><p>{t('Authorization key')}: <code>{x.auth_key}</code><Copy text={x.auth_key} label={t('Copy')} /></p></div> } },
      { id: 'metadata', label: 'Update metadata', on: 'row', fields: r => [{ id: 'metadata', label: 'Metadata', kind: 'pairs', initial: r.metadata ?? {} }], calls: (v, r) => [call('volume', 'PUT', `/v3/volumes/${r.id}/metadata`, { metadata: cleanPairs(v.metadata) })], cli: (v, r) => osc('volume set', { property: pairs(v.metadata) }, r.id) },
      { id: 'status', label: 'Update status', on: 'row', admin: true, when: () => admin, fields: r => [{ id: 'status', label: 'Status', kind: 'select', required: true, initial: r.status, options: () => states }], calls: (v, r) => act('volumes', r, { 'os-reset_status': { status: v.status } }), cli: (v, r) => osc('volume set', { state: v.status }, r.id) },
      { id: 'migrate', label: 'Migrate', on: 'row', admin: true, when: r => admin && is('available', 'in-use')(r), joins: { pools: () => ({ service: 'volume', path: '/v3/scheduler-stats/get_pools', key: 'pools', kinds: ['host'], map: r => ({ id: r.name, name: r.name }) }) }, fields: (r, c) => [{ id: 'host', label: 'Host', kind: 'select', required: true, options: () => options(c, 'pools', x => x.name, x => x.id, x => x.id !== r['os-vol-host-attr:host']) }], calls: (v, r) => act('volumes', r, { 'os-migrate_volume': { host: v.host } }), cli: (v, r) => osc('volume migrate', { host: v.host }, r.id) },
      { id: 'unmanage', label: 'Unmanage', danger: true, on: 'row', admin: true, need: 'volume:os-volume-unmanage', when: r => admin && r.status === 'available', text: 'The volume leaves the cloud, its data stay on the backend.', calls: (_, r) => act('volumes', r, { 'os-unmanage': {} }), cli: (_, r) => osc('volume delete --remote', {}, r.id) },
      { id: 'delete', label: 'Delete', danger: true, on: 'bulk', when: is('available', 'error', 'error_extending', 'error_restoring', 'error_managing'), text: 'What is on them is lost.', calls: (_, r) => [call('volume', 'DELETE', `/v3/volumes/${r.id}`)], cli: (_, r) => osc('volume delete', {}, r.id) },
    ],
  }
}
// A snapshot of a volume in use needs no force any more; older services want it left out.
const noForce = (c: any) => { const { force: _, ...s } = c.body.snapshot; return { ...c, body: { snapshot: s } } }

const volumeName = (place: Place) => ({ id: 'volume', label: 'Volume', value: (r: Row, c: Ctx) => c.name('volumes', r.volume_id), show: (r: Row, c: Ctx) => <Thing to={`/${place}/volumes`} id={r.volume_id} name={c.name('volumes', r.volume_id)} /> } as const)

export function snapshots(place: Place): Resource {
  const admin = place === 'admin'
  return {
    id: 'snapshots', label: 'Snapshots', one: 'Snapshot', need: 'volume', source: admin ? lists.allSnapshots : lists.snapshots, joins: { volumes: admin ? lists.allVolumes : lists.volumes },
    columns: [nameColumn(`/${place}/snapshots`), { id: 'status', label: 'Status', value: r => r.status, show: r => <Status of={r.status} />, width: '10rem' }, { id: 'size', label: 'Size', value: r => r.size, show: r => gib(r.size), width: '7rem' }, volumeName(place), descriptionColumn, created, idColumn],
    facets: ['status'],
    actions: [
      { id: 'volume', label: 'Create volume', on: 'row', when: is('available'), fields: r => [{ ...nameField, initial: `${title(r)}-volume` }, { ...sizeField, min: r.size, initial: r.size }], calls: (v, r) => [call('volume', 'POST', '/v3/volumes', { volume: { name: v.name, size: num(v.size), snapshot_id: r.id } })], cli: (v, r) => osc('volume create', { snapshot: r.id, size: v.size }, v.name) },
      { id: 'backup', label: 'Create backup', on: 'row', when: is('available'), fields: r => [{ ...nameField, initial: `${title(r)}-backup` }], calls: (v, r) => [call('volume', 'POST', '/v3/backups', { backup: { volume_id: r.volume_id, snapshot_id: r.id, name: v.name } })], cli: (v, r) => osc('volume backup create', { name: v.name, snapshot: r.id }, r.volume_id) },
      { id: 'edit', label: 'Edit', on: 'row', fields: r => [{ ...anyName, initial: r.name ?? '' }, { ...descriptionField, initial: r.description ?? '' }], calls: (v, r) => [call('volume', 'PUT', `/v3/snapshots/${r.id}`, { snapshot: { name: v.name, description: v.description } })], cli: (v, r) => osc('volume snapshot set', { name: v.name, description: v.description }, r.id) },
      { id: 'metadata', label: 'Update metadata', on: 'row', fields: r => [{ id: 'metadata', label: 'Metadata', kind: 'pairs', initial: r.metadata ?? {} }], calls: (v, r) => [call('volume', 'PUT', `/v3/snapshots/${r.id}/metadata`, { metadata: cleanPairs(v.metadata) })], cli: (v, r) => osc('volume snapshot set', { property: pairs(v.metadata) }, r.id) },
      { id: 'status', label: 'Update status', on: 'row', admin: true, when: () => admin, fields: r => [{ id: 'status', label: 'Status', kind: 'select', required: true, initial: r.status, options: () => states }], calls: (v, r) => act('snapshots', r, { 'os-reset_status': { status: v.status } }), cli: (v, r) => osc('volume snapshot set', { state: v.status }, r.id) },
      { id: 'delete', label: 'Delete', danger: true, on: 'bulk', when: is('available', 'error'), calls: (_, r) => [call('volume', 'DELETE', `/v3/snapshots/${r.id}`)], cli: (_, r) => osc('volume snapshot delete', {}, r.id) },
    ],
  }
}

export function backups(place: Place): Resource {
  const admin = place === 'admin'
  return {
    id: 'backups', label: 'Backups', one: 'Backup', need: 'volume:backups', source: () => ({ ...lists.backups(), path: admin ? '/v3/backups/detail?all_tenants=1' : '/v3/backups/detail' }), joins: { volumes: admin ? lists.allVolumes : lists.volumes },
    columns: [nameColumn(`/${place}/backups`), { id: 'status', label: 'Status', value: r => r.status, show: r => <Status of={r.status} />, width: '10rem' }, { id: 'size', label: 'Size', value: r => r.size, show: r => gib(r.size), width: '7rem' }, volumeName(place), { id: 'incremental', label: 'Incremental', value: r => !!r.is_incremental, width: '8rem' }, { id: 'fault', label: 'Fault', value: r => r.fail_reason, off: true }, descriptionColumn, created, idColumn],
    facets: ['status'],
    empty: 'A backup is a copy of a volume that is kept apart from it.',
    actions: [
      { id: 'restore', label: 'Restore', on: 'row', when: is('available'), joins: { volumes: lists.volumes }, fields: (r, c) => [{ id: 'volume', label: 'Into volume', kind: 'select', help: 'Empty: a new volume is made. What is on a chosen one is overwritten.', options: () => options(c, 'volumes', x => `${title(x)} (${x.size} GiB)`, x => x.id, x => x.status === 'available' && x.size >= r.size) }, { id: 'name', label: 'Name of the new volume', when: v => !v.volume }], calls: (v, r) => [call('volume', 'POST', `/v3/backups/${r.id}/restore`, { restore: lean({ volume_id: v.volume, name: v.name }) })], cli: (v, r) => osc('volume backup restore', {}, r.id, v.volume || v.name) },
      { id: 'status', label: 'Update status', on: 'row', admin: true, when: () => admin, fields: [{ id: 'status', label: 'Status', kind: 'select', required: true, options: () => ['available', 'error'].map(x => ({ value: x, label: x })) }], calls: (v, r) => act('backups', r, { 'os-reset_status': { status: v.status } }), cli: (v, r) => osc('volume backup set', { state: v.status }, r.id) },
      { id: 'delete', label: 'Delete', danger: true, on: 'bulk', when: is('available', 'error'), calls: (_, r) => [call('volume', 'DELETE', `/v3/backups/${r.id}`)], cli: (_, r) => osc('volume backup delete', {}, r.id) },
    ],
  }
}

export const transfers: Resource = {
  id: 'transfers', label: 'Transfers', one: 'Transfer', need: 'volume', source: () => ({ service: 'volume', path: '/v3/volume-transfers/detail', key: 'transfers', kinds: ['transfer'] }), joins: { volumes: lists.volumes }, noDetails: true,
  columns: [{ id: 'name', label: 'Name', value: r => r.name || r.id.slice(0, 8) }, volumeName('project'), created, { ...idColumn, off: false }],
  empty: 'Volumes that are offered to other projects and not accepted yet.',
  actions: [{ id: 'delete', label: 'Cancel transfer', danger: true, on: 'bulk', calls: (_, r) => [call('volume', 'DELETE', `/v3/volume-transfers/${r.id}`)], cli: (_, r) => osc('volume transfer request delete', {}, r.id) }],
}

export const volumeGroups = (place: Place): Resource => ({
  id: 'volume-groups', label: 'Volume groups', one: 'Volume group', need: 'volume', source: place === 'admin' ? () => ({ ...lists.volumeGroups(), path: '/v3/groups/detail?all_tenants=1' }) : lists.volumeGroups, joins: { groupTypes: lists.groupTypes, volumes: place === 'admin' ? lists.allVolumes : lists.volumes },
  columns: [nameColumn(`/${place}/volume-groups`), { id: 'status', label: 'Status', value: r => r.status, show: r => <Status of={r.status} />, width: '10rem' }, { id: 'type', label: 'Group type', value: (r, c) => c.name('groupTypes', r.group_type) }, { id: 'volumes', label: 'Volumes', value: (r, c) => c.rows('volumes').filter(v => v.group_id === r.id).map(title).join(', ') }, descriptionColumn, created, idColumn],
  empty: 'Volumes of a group are snapshotted at the same moment.',
  actions: [
    ...(place === 'admin' ? [] : [{ id: 'create', label: 'Create group', on: 'table', joins: { types: lists.types, groupTypes: lists.groupTypes }, fields: [nameField, descriptionField, { id: 'group', label: 'Group type', kind: 'select', required: true, options: (c: Ctx) => options(c, 'groupTypes') }, { id: 'types', label: 'Volume types', kind: 'many', required: true, options: (c: Ctx) => options(c, 'types') }],
      calls: v => [call('volume', 'POST', '/v3/groups', { group: lean({ name: v.name, description: v.description, group_type: v.group, volume_types: v.types }) })], cli: v => osc('volume group create', { name: v.name, 'volume-group-type': v.group, 'volume-type': v.types }) } as Action]),
    { id: 'members', label: 'Manage volumes', on: 'row', when: is('available'), joins: { volumes: lists.volumes }, fields: (r, c) => [{ id: 'volumes', label: 'Volumes', kind: 'many', initial: c.rows('volumes').filter(v => v.group_id === r.id).map(v => v.id), options: () => options(c, 'volumes', title, v => v.id, v => !v.group_id || v.group_id === r.id) }],
      calls: (v, r, c) => { const was = c.rows('volumes').filter(x => x.group_id === r.id).map(x => String(x.id)); const now: string[] = v.volumes ?? []; return [call('volume', 'PUT', `/v3/groups/${r.id}`, { group: lean({ add_volumes: now.filter(x => !was.includes(x)).join(','), remove_volumes: was.filter(x => !now.includes(x)).join(',') }) })] }, cli: (v, r) => osc('volume group set', {}, r.id, ...(v.volumes ?? [])) },
    { id: 'snapshot', label: 'Create snapshot', on: 'row', when: is('available'), fields: r => [{ ...nameField, initial: `${title(r)}-snapshot` }], calls: (v, r) => [call('volume', 'POST', '/v3/group_snapshots', { group_snapshot: { group_id: r.id, name: v.name } })], cli: (v, r) => osc('volume group snapshot create', { name: v.name }, r.id) },
    { id: 'clone', label: 'Clone', on: 'row', when: is('available'), fields: r => [{ ...nameField, initial: `${title(r)}-clone` }], calls: (v, r) => [call('volume', 'POST', '/v3/groups/action', { 'create-from-src': { name: v.name, source_group_id: r.id } })], cli: (v, r) => osc('volume group create', { name: v.name, 'source-group': r.id }) },
    { id: 'edit', label: 'Edit', on: 'row', fields: r => [{ ...nameField, initial: r.name ?? '' }, { ...descriptionField, initial: r.description ?? '' }], calls: (v, r) => [call('volume', 'PUT', `/v3/groups/${r.id}`, { group: { name: v.name, description: v.description } })], cli: (v, r) => osc('volume group set', { name: v.name }, r.id) },
    { id: 'delete', label: 'Delete', danger: true, on: 'bulk', fields: [{ id: 'volumes', label: 'Delete its volumes too', kind: 'switch' }], calls: (v, r) => [call('volume', 'POST', `/v3/groups/${r.id}/action`, { delete: { 'delete-volumes': !!v.volumes } })], cli: (v, r) => osc('volume group delete', { force: v.volumes }, r.id) },
  ],
})

export const groupSnapshots = (place: Place): Resource => ({
  id: 'group-snapshots', label: 'Group snapshots', one: 'Group snapshot', need: 'volume', source: () => ({ service: 'volume', path: `/v3/group_snapshots/detail${place === 'admin' ? '?all_tenants=1' : ''}`, key: 'group_snapshots', kinds: ['group_snapshot'] }), joins: { groups: lists.volumeGroups },
  columns: [nameColumn(`/${place}/group-snapshots`), { id: 'status', label: 'Status', value: r => r.status, show: r => <Status of={r.status} /> }, { id: 'group', label: 'Volume group', value: (r, c) => c.name('groups', r.group_id) }, created, idColumn],
  actions: [
    { id: 'group', label: 'Create group', on: 'row', when: is('available'), fields: r => [{ ...nameField, initial: `${title(r)}-group` }], calls: (v, r) => [call('volume', 'POST', '/v3/groups/action', { 'create-from-src': { name: v.name, group_snapshot_id: r.id } })], cli: (v, r) => osc('volume group create', { name: v.name, 'group-snapshot': r.id }) },
    { id: 'delete', label: 'Delete', danger: true, on: 'bulk', calls: (_, r) => [call('volume', 'DELETE', `/v3/group_snapshots/${r.id}`)], cli: (_, r) => osc('volume group snapshot delete', {}, r.id) },
  ],
})

const specs = (kind: string, one: string, cli: string): Action => ({ id: 'specs', label: 'Edit extra specs', on: 'row', admin: true, fields: r => [{ id: 'specs', label: 'Extra specs', kind: 'pairs', initial: r.extra_specs ?? r.group_specs ?? {} }],
  calls: (v, r) => { const was = r.extra_specs ?? r.group_specs ?? {}; const now = cleanPairs(v.specs); return [...(Object.keys(now).length ? [call('volume', 'POST', `/v3/${kind}/${r.id}/${one}`, { [one]: now })] : []), ...Object.keys(was).filter(k => !(k in now)).map(k => call('volume', 'DELETE', `/v3/${kind}/${r.id}/${one}/${encodeURIComponent(k)}`))] }, cli: (v, r) => osc(`${cli} set`, { property: pairs(v.specs) }, r.id) })

export const volumeTypes: Resource = {
  id: 'volume-types', label: 'Volume types', one: 'Volume type', need: 'volume', source: () => ({ ...lists.types(), path: '/v3/types?is_public=None' }),
  columns: [nameColumn('/admin/volume-types'), { id: 'public', label: 'Public', value: r => !!r.is_public, width: '7rem' }, { id: 'specs', label: 'Extra specs', value: r => pairs(r.extra_specs).join(', ') }, { id: 'description', label: 'Description', value: r => r.description }, idColumn],
  actions: [
    { id: 'create', label: 'Create volume type', on: 'table', admin: true, fields: [nameField, descriptionField, { id: 'public', label: 'Public', kind: 'switch', initial: true }], calls: v => [call('volume', 'POST', '/v3/types', { volume_type: { name: v.name, description: v.description, 'os-volume-type-access:is_public': v.public } })], cli: v => osc('volume type create', { description: v.description, [v.public ? 'public' : 'private']: true }, v.name) },
    { id: 'edit', label: 'Edit', on: 'row', admin: true, fields: r => [{ ...nameField, initial: r.name }, { ...descriptionField, initial: r.description ?? '' }, { id: 'public', label: 'Public', kind: 'switch', initial: !!r.is_public }], calls: (v, r) => [call('volume', 'PUT', `/v3/types/${r.id}`, { volume_type: { name: v.name, description: v.description, is_public: v.public } })], cli: (v, r) => osc('volume type set', { name: v.name, description: v.description }, r.id) },
    specs('types', 'extra_specs', 'volume type'),
    { id: 'access', label: 'Let a project use it', on: 'row', admin: true, when: r => !r.is_public, joins: { projects: lists.projects }, fields: (_, c) => [{ id: 'project', label: 'Project', kind: 'select', required: true, options: () => options(c, 'projects') }], calls: (v, r) => [call('volume', 'POST', `/v3/types/${r.id}/action`, { addProjectAccess: { project: v.project } })], cli: (v, r) => osc('volume type set', { project: v.project }, r.id) },
    { id: 'encrypt', label: 'Create encryption', on: 'row', admin: true, fields: [{ id: 'provider', label: 'Provider', required: true, initial: 'luks' }, { id: 'cipher', label: 'Cipher', initial: 'aes-xts-plain64' }, { id: 'key', label: 'Key size in bits', kind: 'number', initial: 256 }, { id: 'location', label: 'Control location', kind: 'select', required: true, initial: 'front-end', options: () => ['front-end', 'back-end'].map(x => ({ value: x, label: x })) }], calls: (v, r) => [call('volume', 'POST', `/v3/types/${r.id}/encryption`, { encryption: lean({ provider: v.provider, cipher: v.cipher, key_size: num(v.key), control_location: v.location }) })], cli: (v, r) => osc('volume type set', { 'encryption-provider': v.provider, 'encryption-cipher': v.cipher, 'encryption-key-size': v.key, 'encryption-control-location': v.location }, r.id) },
    { id: 'qos', label: 'Associate QoS', on: 'row', admin: true, joins: { qos: () => ({ service: 'volume', path: '/v3/qos-specs', key: 'qos_specs', kinds: ['volume_qos'] }) }, fields: (_, c) => [{ id: 'qos', label: 'QoS specs', kind: 'select', required: true, options: () => options(c, 'qos') }], calls: (v, r) => [call('volume', 'GET', `/v3/qos-specs/${v.qos}/associate?vol_type_id=${r.id}`)], cli: (v, r) => osc('volume qos associate', {}, v.qos, r.id) },
    { id: 'delete', label: 'Delete', danger: true, on: 'bulk', admin: true, calls: (_, r) => [call('volume', 'DELETE', `/v3/types/${r.id}`)], cli: (_, r) => osc('volume type delete', {}, r.id) },
  ],
}

export const volumeQos: Resource = {
  id: 'volume-qos', label: 'Volume QoS', one: 'QoS specs', need: 'volume:qos-specs', source: () => ({ service: 'volume', path: '/v3/qos-specs', key: 'qos_specs', kinds: ['volume_qos'] }),
  columns: [nameColumn('/admin/volume-qos'), { id: 'consumer', label: 'Consumer', value: r => r.consumer }, { id: 'specs', label: 'Specs', value: r => pairs(r.specs).join(', ') }, idColumn],
  actions: [
    { id: 'create', label: 'Create QoS specs', on: 'table', admin: true, fields: [nameField, { id: 'consumer', label: 'Consumer', kind: 'select', required: true, initial: 'front-end', options: () => ['front-end', 'back-end', 'both'].map(x => ({ value: x, label: x })) }, { id: 'specs', label: 'Specs', kind: 'pairs', help: 'For example total_iops_sec = 500.' }], calls: v => [call('volume', 'POST', '/v3/qos-specs', { qos_specs: { name: v.name, consumer: v.consumer, ...cleanPairs(v.specs) } })], cli: v => osc('volume qos create', { consumer: v.consumer, property: pairs(v.specs) }, v.name) },
    { id: 'specs', label: 'Edit', on: 'row', admin: true, fields: r => [{ id: 'specs', label: 'Specs', kind: 'pairs', initial: r.specs ?? {} }], calls: (v, r) => [call('volume', 'PUT', `/v3/qos-specs/${r.id}`, { qos_specs: cleanPairs(v.specs) })], cli: (v, r) => osc('volume qos set', { property: pairs(v.specs) }, r.id) },
    { id: 'delete', label: 'Delete', danger: true, on: 'bulk', admin: true, calls: (_, r) => [call('volume', 'DELETE', `/v3/qos-specs/${r.id}`)], cli: (_, r) => osc('volume qos delete', {}, r.id) },
  ],
}

export const groupTypes: Resource = {
  id: 'group-types', label: 'Group types', one: 'Group type', need: 'volume', source: () => ({ ...lists.groupTypes(), path: '/v3/group_types?is_public=None' }),
  columns: [nameColumn('/admin/group-types'), { id: 'public', label: 'Public', value: r => !!r.is_public }, { id: 'specs', label: 'Specs', value: r => pairs(r.group_specs).join(', ') }, { id: 'description', label: 'Description', value: r => r.description }, idColumn],
  actions: [
    { id: 'create', label: 'Create group type', on: 'table', admin: true, fields: [nameField, descriptionField, { id: 'public', label: 'Public', kind: 'switch', initial: true }, { id: 'specs', label: 'Specs', kind: 'pairs', initial: { consistent_group_snapshot_enabled: '<is> True' } }], calls: v => [call('volume', 'POST', '/v3/group_types', { group_type: { name: v.name, description: v.description, is_public: v.public, group_specs: cleanPairs(v.specs) } })], cli: v => osc('volume group type create', { description: v.description }, v.name) },
    specs('group_types', 'group_specs', 'volume group type'),
    { id: 'delete', label: 'Delete', danger: true, on: 'bulk', admin: true, calls: (_, r) => [call('volume', 'DELETE', `/v3/group_types/${r.id}`)], cli: (_, r) => osc('volume group type delete', {}, r.id) },
  ],
}
export { Ago }
