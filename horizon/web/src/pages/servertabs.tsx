// The parts of a server's page.
import { useGet } from '../core/data'
import { time } from '../core/format'
import type { Resource, Row } from '../core/resource'
import { t } from '../i18n'
import { call, lists } from '../things/common'
import { ports } from '../things/networks'
import { volumes } from '../things/volumes'
import { Ago, Failure, Id, Nothing, Status, Waiting } from '../ui/parts'
import { SubList } from './panel'
import { osc } from '../core/format'

export function Interfaces({ server }: { server: Row }) {
  const all = ports('project')
  const def: Resource = { ...all, source: () => ({ ...lists.ports(), path: `/v2.0/ports?device_id=${server.id}` }), actions: [
    { id: 'detach', label: 'Detach interface', danger: true, on: 'row', need: 'compute:os-attach-interfaces', calls: (_, r) => [call('compute', 'DELETE', `/v2.1/servers/${server.id}/os-interface/${r.id}`)], cli: (_, r) => osc('server remove port', {}, server.id, r.id) },
    ...all.actions.filter(a => a.on === 'row') ] }
  return <SubList def={def} only={() => true} />
}

export function ServerVolumes({ server }: { server: Row }) {
  const all = volumes('project')
  return <SubList def={{ ...all, actions: all.actions.filter(a => ['detach', 'extend', 'snapshot', 'backup'].includes(a.id)) }} only={r => (r.attachments ?? []).some((a: Row) => a.server_id === server.id)} />
}

export function ActionLog({ server }: { server: Row }) {
  const log = useGet(['server'], 'compute', `/v2.1/servers/${server.id}/os-instance-actions`)
  if (log.error) return <Failure error={log.error} retry={() => log.refetch()} />
  if (!log.data) return <Waiting />
  const list: Row[] = log.data.instanceActions ?? []
  if (!list.length) return <Nothing title={t('There is nothing here yet')} />
  return (
    <table className="pf-v6-c-table pf-m-compact" aria-label={t('Actions')}>
      <thead className="pf-v6-c-table__thead"><tr className="pf-v6-c-table__tr"><th className="pf-v6-c-table__th" scope="col">{t('Action')}</th><th className="pf-v6-c-table__th" scope="col">{t('Started')}</th><th className="pf-v6-c-table__th" scope="col">{t('Result')}</th><th className="pf-v6-c-table__th" scope="col">{t('Request id')}</th></tr></thead>
      <tbody className="pf-v6-c-table__tbody">{list.map(a => <tr key={a.request_id + a.action} className="pf-v6-c-table__tr"><td className="pf-v6-c-table__td">{a.action}</td><td className="pf-v6-c-table__td" title={time(a.start_time)}><Ago at={a.start_time} /></td><td className="pf-v6-c-table__td">{a.message ? <Status of="Error" note={a.message} /> : t('accepted')}</td><td className="pf-v6-c-table__td"><Id of={a.request_id} /></td></tr>)}</tbody>
    </table>
  )
}
