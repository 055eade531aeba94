//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"stackd/test/cloudtest"
	"stackd/test/hosts"
)

// peerLab is three controllers on one PostgreSQL, each a host of its own, started by hand.
type peerLab struct {
	t       *testing.T
	lab     *hosts.Lab
	program string
	ctl     []*hosts.Host
}

const oneAddress = "192.168.4.9"

// database starts a PostgreSQL on a host that takes all of the lab's.
const startPostgres = `bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1); d=/var/lib/stackd/pg; mkdir -p $d; chmod 755 /var/lib/stackd; chown postgres $d
su postgres -c "$bin/initdb -D $d/data -A trust >/dev/null && echo 'host all all 192.168.4.0/24 trust' >> $d/data/pg_hba.conf && $bin/pg_ctl -w -D $d/data -l $d/log -o '-k $d -c listen_addresses=192.168.4.6 -c max_connections=300' start >/dev/null"`

func newPeerLab(t *testing.T) *peerLab {
	p := &peerLab{t: t, lab: hosts.New(t, "pe", "mgmt")}
	p.lab.Address("mgmt", "192.168.4.1/24")
	var err error
	if p.program, err = cloudtest.Build(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	p.lab.Host("db", "mgmt 192.168.4.6/24").Shell(startPostgres)
	for i := range 3 {
		p.ctl = append(p.ctl, p.lab.Host(fmt.Sprint("ctl", i+1), fmt.Sprintf("mgmt 192.168.4.1%d/24", i)))
	}
	p.up(0)
	key, admin := p.ctl[0].Shell("base64 -w0 /var/lib/stackd/master.key"), p.ctl[0].Shell("base64 -w0 /var/lib/stackd/keystonerc_admin")
	for i := range 3 {
		p.ctl[i].Shell("umask 077; echo " + admin + " | base64 -d > /root/rc")
	}
	for i := range 2 { // they need not know the administrator's password
		p.ctl[i+1].Shell("umask 077; echo " + key + " | base64 -d > /var/lib/stackd/master.key")
		p.up(i + 1)
	}
	t.Cleanup(func() {
		for _, c := range p.ctl {
			if t.Failed() {
				t.Log(c.Shell("tail -n 15 /var/lib/stackd/stackd.log; tail -n 15 /var/lib/stackd/log/[ns]b.log"))
			}
			c.Command(context.Background(), p.program, "down").Run()
		}
	})
	return p
}

func (p *peerLab) up(i int) {
	p.t.Helper()
	p.ctl[i].Run(p.program, "serve", "--host", p.ctl[i].Name, "--listen", fmt.Sprintf("192.168.4.1%d", i), "--controllers", "192.168.4.10,192.168.4.11,192.168.4.12",
		"--database", "postgres://postgres@192.168.4.6/postgres", "--endpoint", oneAddress, "--hold-endpoint", "--background")
}

// killAll kills all that runs on a host, as when its power is cut, but for what logs in.
const killAll = `for p in /proc/[0-9]*; do n=${p#/proc/}; [ $n = 1 ] || [ $n = $$ ] || grep -qaE '^(sleep|/usr/sbin/sshd|sshd)' $p/cmdline || kill -9 $n 2>/dev/null; done; true`

// holder is the controller that has the one address; -1 for none. Two is a fault.
func (p *peerLab) holder() int {
	p.t.Helper()
	has := -1
	for i, c := range p.ctl {
		if strings.Contains(c.Shell("ip -4 -o addr"), oneAddress+"/32") {
			if has >= 0 {
				p.t.Errorf("%s and %s have the address", p.ctl[has].Name, c.Name)
			}
			has = i
		}
	}
	return has
}

// members sees that a database's cluster has three servers, all of which speak.
func (p *peerLab) members(on int, database string) {
	p.t.Helper()
	until(p.t, "three members of "+database, time.Minute, func() (bool, string) {
		s := p.ctl[on].Shell("ovs-appctl -t /var/lib/stackd/run/" + map[string]string{"OVN_Northbound": "nb", "OVN_Southbound": "sb"}[database] + ".ctl cluster/status " + database + " 2>&1 || true")
		servers := s[max(0, strings.Index(s, "\nServers:")):]
		return strings.Contains(s, "Status: cluster member") && strings.Count(servers, " at ssl:") == 3, s
	})
}

func TestPeers(t *testing.T) {
	p := newPeerLab(t)
	until(t, "the address to be somewhere", 10*time.Second, func() (bool, string) { return p.holder() >= 0, "" })
	p.members(0, "OVN_Northbound")
	p.members(0, "OVN_Southbound")
	for i := range 3 {
		h := p.holder()
		other := (h + 1) % 3
		osc := clientOn(t, p.ctl[other], "/root/rc")
		osc(fmt.Sprint("network create n", i))
		p.ctl[h].Shell(killAll)
		start := time.Now()
		until(t, "the address to answer from elsewhere", 20*time.Second, func() (bool, string) {
			out, err := p.lab.Outside("curl", "-s", "-m", "1", "http://"+oneAddress+":5000/v3").CombinedOutput()
			return err == nil, string(out)
		})
		took := time.Since(start)
		t.Logf("%s killed: the address answers after %.1f s", p.ctl[h].Name, took.Seconds())
		if took > 5*time.Second {
			t.Error("longer than 5 s")
		}
		osc(fmt.Sprint("network create m", i))
		until(t, "the network in OVN", 10*time.Second, func() (bool, string) {
			out := p.ctl[other].Shell("ovn-nbctl --no-leader-only --db=unix:/var/lib/stackd/run/nb.sock --bare --columns=name,external_ids list logical_switch; tail -n 3 /var/lib/stackd/stackd.log")
			return strings.Contains(out, fmt.Sprint("m", i)), out
		})
		if i == 1 {
			p.ctl[h].Shell("rm -rf /var/lib/stackd/ovn")
		}
		p.up(h)
		p.members(h, "OVN_Northbound")
		p.members(h, "OVN_Southbound")
	}
}
