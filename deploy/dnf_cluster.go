package deploy

// dnfCluster is a folder of data of our own beside the distribution's, with a unit of our
// own: nothing of postgresql-setup's is touched.
type dnfCluster struct{}

const (
	pgData = "/var/lib/pgsql/stackd"
	pgUnit = "/etc/systemd/system/stackd-database.service"
)

const pgService = `[Unit]
Description=The database of the cloud's controllers
After=network-online.target
Wants=network-online.target

[Service]
User=postgres
ExecStartPre=+/usr/bin/install -d -m 755 -o postgres -g postgres /run/postgresql
ExecStart=/usr/bin/postgres -D ` + pgData + `
ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
KillSignal=SIGINT
Restart=always
RestartSec=2

[Install]
WantedBy=multi-user.target
`

func (dnfCluster) own() string { return "" }

func (dnfCluster) look(h *Host) string {
	return "cmp -s " + pgData + "/pg_hba.conf <(printf '%s' " + quote(h.hba()) + ") && cmp -s " + pgData + "/stackd.conf <(printf '%s' " + quote(h.postgresConf()) + ") && [ -s " + databaseDir + "/password ] && su postgres -c \"psql -p 5432 -qAtc 'SELECT 1' stackd\" >/dev/null 2>&1"
}

func (dnfCluster) make(h *Host) string {
	return `[ -e ` + pgData + `/PG_VERSION ] || su postgres -c 'initdb -D ` + pgData + ` --auth-local peer --auth-host scram-sha-256' >&2
grep -qx "include 'stackd.conf'" ` + pgData + `/postgresql.conf || echo "include 'stackd.conf'" >> ` + pgData + `/postgresql.conf
printf '%s' ` + quote(h.hba()) + ` > ` + pgData + `/pg_hba.conf; printf '%s' ` + quote(h.postgresConf()) + ` > ` + pgData + `/stackd.conf; chown postgres: ` + pgData + `/stackd.conf
if [ -d /run/systemd/system ]; then printf '%s' ` + quote(pgService) + ` > ` + pgUnit + `; systemctl daemon-reload; systemctl enable -q stackd-database; systemctl restart stackd-database
else install -d -m 755 -o postgres -g postgres /run/postgresql; su postgres -c 'pg_ctl -s -w -m fast -D ` + pgData + ` stop' 2>/dev/null || true; su postgres -c 'pg_ctl -s -w -D ` + pgData + ` -l ` + pgData + `/log start' >&2; fi
`
}

func (dnfCluster) remove() string {
	return `if [ -e ` + pgUnit + ` ]; then systemctl disable -q --now stackd-database; rm -f ` + pgUnit + `; systemctl daemon-reload
else su postgres -c 'pg_ctl -s -w -m fast -D ` + pgData + ` stop' 2>/dev/null || true; fi
rm -rf ` + pgData + ` ` + databaseDir
}
