package deploy

// aptCluster is a cluster under a name of our own, beside what there may be, as Debian's
// postgresql-common keeps them.
type aptCluster struct{}

// pg runs a line in a shell that knows the version and the cluster's settings.
const pg = "v=$(ls /usr/lib/postgresql 2>/dev/null | sort -n | tail -1); etc=/etc/postgresql/$v/stackd\n"

func (aptCluster) own() string { return "/etc/postgresql-common/createcluster.d/stackd.conf" }

func (aptCluster) look(h *Host) string {
	return pg + "[ -n \"$v\" ] && cmp -s $etc/pg_hba.conf <(printf '%s' " + quote(h.hba()) + ") && cmp -s $etc/conf.d/stackd.conf <(printf '%s' " + quote(h.postgresConf()) + ") && [ -s " + databaseDir + "/password ] && pg_lsclusters -h | grep -q \"^$v *stackd .*online\" && su postgres -c \"psql -p 5432 -qAtc 'SELECT 1' stackd\" >/dev/null 2>&1"
}

func (aptCluster) make(h *Host) string {
	return pg + `[ -e $etc ] || pg_createcluster $v stackd -p 5432 --start-conf auto -- --auth-local peer --auth-host scram-sha-256 >&2
mkdir -p $etc/conf.d
printf '%s' ` + quote(h.hba()) + ` > $etc/pg_hba.conf; printf '%s' ` + quote(h.postgresConf()) + ` > $etc/conf.d/stackd.conf; chown -R postgres: $etc
if [ -d /run/systemd/system ]; then systemctl daemon-reload; systemctl enable -q postgresql; systemctl restart postgresql@$v-stackd; else mkdir -p /run/postgresql; chown postgres: /run/postgresql; pg_ctlcluster $v stackd restart >&2 || pg_ctlcluster $v stackd start >&2; fi
`
}

func (aptCluster) remove() string {
	return pg + "pg_dropcluster --stop $v stackd 2>/dev/null || true; rm -rf " + databaseDir
}
