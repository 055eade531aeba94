import { Modal, ModalBody, ModalHeader } from '@patternfly/react-core'
import { useCloud } from '../core/session'
import { t } from '../i18n'
import { dashboards, panelShown } from '../menu'

export default function Keys({ close }: { close: () => void }) {
  const offer = useCloud()
  return (
    <Modal isOpen onClose={close} variant="small" aria-label={t('Keyboard')}>
      <ModalHeader title={t('Keyboard')} />
      <ModalBody>
        <dl className="keys">
          <dt><kbd>/</kbd></dt><dd>{t('Search by name, id or address')}</dd>
          <dt><kbd>?</kbd></dt><dd>{t('Keyboard')}</dd>
          {dashboards.flatMap(d => d.panels.filter(p => p.keys && panelShown(d, p, offer)).map(p => [<dt key={`${d.id}${p.id}k`}><kbd>g</kbd> <kbd>{p.keys}</kbd></dt>, <dd key={`${d.id}${p.id}v`}>{t(d.label)} – {t(p.label)}</dd>]))}
        </dl>
      </ModalBody>
    </Modal>
  )
}
