// The console log, which follows.
import { Button, Checkbox } from '@patternfly/react-core'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { send } from '../core/api'
import { again } from '../core/data'
import type { Row } from '../core/resource'
import { t } from '../i18n'
import { Failure, Nothing, Waiting } from '../ui/parts'
import { save } from '../ui/table'

/** Without what terminals understand and pages do not: colours, movements of the cursor. */
export const plain = (s: string) => s.replace(/\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\x1b[()][0-9A-B]|\x1b[=>78cDEHM]/g, '').replace(/\r+\n/g, '\n').replace(/[^\n]*\r(?!\n)/g, '').replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '')

const lengths = [100, 1000, 10_000]

export default function Log({ server }: { server: Row }) {
  const [length, setLength] = useState(100)
  const [follow, setFollow] = useState(true)
  const box = useRef<HTMLPreElement>(null)
  const log = useQuery({ queryKey: ['server', 'log', server.id, length], retry: again, refetchInterval: follow ? 2000 : false, queryFn: ({ signal }) => send({ service: 'compute', method: 'POST', path: `/v2.1/servers/${server.id}/action`, body: { 'os-getConsoleOutput': { length } } }, signal) })
  const text = plain(log.data?.output ?? '')
  useEffect(() => { if (follow && box.current) box.current.scrollTop = box.current.scrollHeight }, [text, follow])
  return (
    <>
      <div className="log-bar">
        <Checkbox id="follow" label={t('Follow')} isChecked={follow} onChange={(_, v) => setFollow(v)} />
        <label>{t('Lines')} <select className="facet" value={length} onChange={e => setLength(Number(e.target.value))}>{lengths.map(n => <option key={n}>{n}</option>)}</select></label>
        <Button size="sm" variant="link" onClick={() => save(`${server.name}.log`, text)} isDisabled={!text}>{t('Download')}</Button>
      </div>
      {log.error && <Failure error={log.error} retry={() => log.refetch()} />}
      {log.isPending && !log.error ? <Waiting rows={10} /> : text ? <pre ref={box} className="log" tabIndex={0} aria-label={t('Log')}>{text}</pre> : !log.error && <Nothing title={t('The log is empty')} />}
    </>
  )
}
