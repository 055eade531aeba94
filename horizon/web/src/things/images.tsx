import { lazy } from 'react'
import { bytes, mib, osc } from '../core/format'
import type { Resource, Row } from '../core/resource'
import { Ago, Status, Thing } from '../ui/parts'
import { call, idColumn, lists, nameField, num, pairs, projectColumn, type Place } from './common'

const Upload = lazy(() => import('../pages/upload'))
const patch = (r: Row, ops: unknown[]) => [{ ...call('image', 'PATCH', `/v2/images/${r.id}`, ops), type: 'application/openstack-images-v2.1-json-patch' }]
const known = new Set(['id', 'name', 'status', 'visibility', 'size', 'virtual_size', 'checksum', 'protected', 'min_ram', 'min_disk', 'owner', 'os_hidden', 'os_hash_algo', 'os_hash_value', 'created_at', 'updated_at', 'tags', 'stores', 'self', 'file', 'schema', 'disk_format', 'container_format', 'direct_url', 'locations'])
export const properties = (r: Row): Record<string, string> => Object.fromEntries(Object.entries(r).filter(([k]) => !known.has(k)).map(([k, v]) => [k, String(v)]))
const mine = (r: Row, c: { offer: { project: string; admin: boolean } }) => c.offer.admin || r.owner === c.offer.project

/** A JSON patch that makes properties be what is wanted. */
export function propertyPatch(was: Record<string, string>, want: Record<string, string>): unknown[] {
  const at = (k: string) => `/${k.replace(/~/g, '~0').replace(/\//g, '~1')}`
  return [
    ...Object.keys(was).filter(k => !(k in want)).map(k => ({ op: 'remove', path: at(k) })),
    ...Object.entries(want).filter(([k, v]) => k && was[k] !== v).map(([k, v]) => ({ op: k in was ? 'replace' : 'add', path: at(k), value: v })),
  ]
}

export function images(place: Place): Resource {
  const admin = place === 'admin'
  return {
    id: 'images', label: 'Images', one: 'Image', need: 'image', source: lists.images, joins: admin ? { projects: lists.projects } : {},
    columns: [
      { id: 'name', label: 'Name', value: r => r.name ?? r.id, show: r => <Thing to={`/${place}/images`} id={r.id} name={r.name} /> },
      ...(admin ? [projectColumn] : []),
      { id: 'status', label: 'Status', value: r => r.status, show: r => <Status of={r.status} />, width: '9rem' },
      { id: 'visibility', label: 'Visibility', value: r => r.visibility, width: '8rem' },
      { id: 'format', label: 'Format', value: r => r.disk_format, width: '7rem' },
      { id: 'size', label: 'Size', value: r => r.size, show: r => bytes(r.size), width: '8rem' },
      { id: 'protected', label: 'Protected', value: r => !!r.protected, off: true },
      { id: 'min_disk', label: 'Least disk', value: r => r.min_disk, show: r => r.min_disk ? `${r.min_disk} GiB` : '–', off: true },
      { id: 'created', label: 'Created', value: r => r.created_at, show: r => <Ago at={r.created_at} />, width: '10rem' }, idColumn,
    ],
    facets: ['visibility', 'status', 'format'],
    empty: 'An image is a disk that servers start from. Upload a qcow2 or raw file.',
    actions: [
      { id: 'create', label: 'Upload image', on: 'table', custom: Upload, calls: () => [], cli: () => '' },
      { id: 'launch', label: 'Launch server', on: 'row', when: r => r.status === 'active', to: r => `/project/launch?image=${r.id}`, calls: () => [], cli: () => '' },
      { id: 'volume', label: 'Create volume', on: 'row', need: 'volume', when: r => r.status === 'active', fields: r => [{ ...nameField, initial: r.name ?? '' }, { id: 'size', label: 'Size in GiB', kind: 'number', required: true, min: Math.max(1, r.min_disk ?? 1, Math.ceil((r.virtual_size ?? r.size ?? 0) / 2 ** 30)), initial: Math.max(1, r.min_disk ?? 1, Math.ceil((r.virtual_size ?? r.size ?? 0) / 2 ** 30)) }],
        calls: (v, r) => [call('volume', 'POST', '/v3/volumes', { volume: { name: v.name, size: num(v.size), imageRef: r.id } })], cli: (v, r) => osc('volume create', { image: r.id, size: v.size }, v.name) },
      { id: 'edit', label: 'Edit', on: 'row', when: mine, fields: (r, c) => [{ ...nameField, initial: r.name ?? '' }, { id: 'visibility', label: 'Visibility', kind: 'select', required: true, initial: r.visibility, options: () => ['private', 'shared', 'community', ...(c.offer.admin ? ['public'] : [])].map(x => ({ value: x, label: x })) }, { id: 'min_disk', label: 'Least disk in GiB', kind: 'number', min: 0, initial: r.min_disk }, { id: 'min_ram', label: 'Least memory in MiB', kind: 'number', min: 0, initial: r.min_ram }, { id: 'protected', label: 'Protected from deletion', kind: 'switch', initial: !!r.protected }],
        calls: (v, r) => patch(r, [['name', v.name], ['visibility', v.visibility], ['min_disk', num(v.min_disk) ?? 0], ['min_ram', num(v.min_ram) ?? 0], ['protected', v.protected]].filter(([k, x]) => r[k as string] !== x).map(([k, x]) => ({ op: 'replace', path: `/${k}`, value: x }))),
        cli: (v, r) => osc('image set', { name: v.name, [v.visibility]: true, 'min-disk': v.min_disk, 'min-ram': v.min_ram, protected: v.protected }, r.id) },
      { id: 'metadata', label: 'Update metadata', on: 'row', when: mine, fields: r => [{ id: 'properties', label: 'Properties', kind: 'pairs', initial: properties(r) }], calls: (v, r) => patch(r, propertyPatch(properties(r), v.properties)), cli: (v, r) => osc('image set', { property: pairs(v.properties) }, r.id) },
      { id: 'share', label: 'Share with a project', on: 'row', when: (r, c) => r.visibility === 'shared' && mine(r, c), fields: [{ id: 'project', label: 'Project ID', required: true, help: 'The project then accepts the image.' }], calls: (v, r) => [call('image', 'POST', `/v2/images/${r.id}/members`, { member: v.project })], cli: (v, r) => osc('image add project', {}, r.id, v.project) },
      { id: 'accept', label: 'Accept shared image', on: 'row', when: (r, c) => r.visibility === 'shared' && r.owner !== c.offer.project, calls: (_, r, c) => [call('image', 'PUT', `/v2/images/${r.id}/members/${c.offer.project}`, { status: 'accepted' })], cli: (_, r) => osc('image set --accept', {}, r.id) },
      { id: 'deactivate', label: 'Deactivate', on: 'bulk', admin: true, when: r => r.status === 'active', calls: (_, r) => [call('image', 'POST', `/v2/images/${r.id}/actions/deactivate`)], cli: (_, r) => osc('image set --deactivate', {}, r.id) },
      { id: 'reactivate', label: 'Reactivate', on: 'bulk', admin: true, when: r => r.status === 'deactivated', calls: (_, r) => [call('image', 'POST', `/v2/images/${r.id}/actions/reactivate`)], cli: (_, r) => osc('image set --activate', {}, r.id) },
      { id: 'delete', label: 'Delete', danger: true, on: 'bulk', when: (r, c) => !r.protected && mine(r, c), calls: (_, r) => [call('image', 'DELETE', `/v2/images/${r.id}`)], cli: (_, r) => osc('image delete', {}, r.id) },
    ],
    facts: [
      { label: 'Status', value: r => <Status of={r.status} /> }, { label: 'Visibility', value: r => r.visibility }, { label: 'Format', value: r => `${r.disk_format ?? '–'} / ${r.container_format ?? '–'}` },
      { label: 'Size', value: r => bytes(r.size) }, { label: 'Virtual size', value: r => bytes(r.virtual_size) }, { label: 'Least disk', value: r => `${r.min_disk} GiB` }, { label: 'Least memory', value: r => mib(r.min_ram) },
      { label: 'Checksum', value: r => r.os_hash_value ? <code className="long">{r.os_hash_algo}: {r.os_hash_value}</code> : r.checksum }, { label: 'Created', value: r => <Ago at={r.created_at} /> }, { label: 'Owner', value: r => r.owner },
      { label: 'Properties', value: r => <ul className="plain">{Object.entries(properties(r)).map(([k, v]) => <li key={k}><code>{k}</code> = {v}</li>)}</ul> },
      { label: 'Download', value: r => r.status === 'active' ? <a href={`/dashboard/api/image/v2/images/${r.id}/file`} download={`${r.name ?? r.id}.${r.disk_format}`}>{bytes(r.size)}</a> : '' },
    ],
  }
}
