package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"

	"stackd/internal/converge"
)

// databaseDir is where the host of the database has what is ours beside the cluster's data.
const databaseDir = "/var/lib/stackd-database"

// ownCluster keeps packages from making a cluster of their own, which would take the port.
func ownCluster() converge.Ladder[*Host] {
	return converge.Ladder[*Host]{step("database cluster", func(h *Host) string {
		file := h.family().cluster.own()
		if !h.Database() || file == "" {
			return "true"
		}
		return "[ -e " + file + " ] || [ -e /usr/bin/pg_createcluster ]"
	}, func(h *Host) string {
		file := h.family().cluster.own()
		return "mkdir -p $(dirname " + file + "); echo 'create_main_cluster = false' > " + file
	}, func(h *Host) string {
		if file := h.family().cluster.own(); file != "" {
			return "rm -f " + file + "; " + lastOfKept
		}
		return lastOfKept
	})}
}

// keeping are the steps of the host of the database.
func keeping() converge.Ladder[*Host] {
	return converge.Ladder[*Host]{step("database", func(h *Host) string { return h.family().cluster.look(h) }, func(h *Host) string {
		return h.databaseFiles() + h.family().cluster.make(h) + databaseRole
	}, func(h *Host) string {
		return "[ ! -e " + databaseDir + " ] || {\n" + h.family().cluster.remove() + "\n}"
	})}
}

// hba lets the controllers in, by TLS and password, and the host's own administrator.
func (h *Host) hba() string {
	s := "local all postgres peer\n"
	for _, c := range h.plan.Controllers {
		s += "hostssl stackd stackd " + c + "/32 scram-sha-256\n"
	}
	return s
}

func (h *Host) postgresConf() string {
	return fmt.Sprintf("listen_addresses = '%s'\nport = 5432\nmax_connections = %d\npassword_encryption = 'scram-sha-256'\nssl = on\nssl_cert_file = '%s/server.crt'\nssl_key_file = '%s/server.key'\n",
		h.Address, 50+50*len(h.plan.Controllers), databaseDir, databaseDir)
}

// databaseFiles makes what the server and the controllers know one another by. The
// password is made on the host and is in no log.
func (h *Host) databaseFiles() string {
	return `mkdir -p ` + databaseDir + `; chmod 750 ` + databaseDir + `; chgrp postgres ` + databaseDir + `
[ -s ` + databaseDir + `/password ] || (umask 077; openssl rand -hex 24 > ` + databaseDir + `/password)
[ -s ` + databaseDir + `/server.crt ] || { (umask 077; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7300 -subj /CN=stackd-database -addext subjectAltName=IP:` + h.Address + ` -keyout ` + databaseDir + `/server.key -out ` + databaseDir + `/server.crt 2>/dev/null); chown postgres: ` + databaseDir + `/server.key; chmod 644 ` + databaseDir + `/server.crt; }
`
}

// databaseRole lets the controllers in, once the server answers.
const databaseRole = `for i in $(seq 100); do su postgres -c "psql -p 5432 -qAtc 'SELECT 1'" >/dev/null 2>&1 && break; sleep .2; done
su postgres -c "psql -p 5432 -qAt -v ON_ERROR_STOP=1" >/dev/null <<SQL
SELECT 'CREATE ROLE stackd LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'stackd') \gexec
ALTER ROLE stackd PASSWORD '$(cat ` + databaseDir + `/password)';
SELECT 'CREATE DATABASE stackd OWNER stackd' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'stackd') \gexec
SQL
`

// databaseURL is where a controller finds the database, with the password.
func (h *Host) databaseURL(ctx context.Context) (string, error) {
	password, err := h.of(ctx, h.all.databases()[0], databaseDir+"/password")
	if err != nil || password == "" {
		return "", err
	}
	password = strings.TrimSpace(password)
	h.all.secret(password)
	u := url.URL{Scheme: "postgres", User: url.UserPassword("stackd", password), Host: h.plan.Database + ":5432", Path: "/stackd", RawQuery: "sslmode=verify-full&sslrootcert=" + databaseCA}
	return u.String() + "\n", nil
}

func decode(text string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	return string(b), err
}

func sumText(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}
