//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"stackd/test/cloudtest"
	"stackd/test/hosts"
)

// Three controllers run by systemd, with a database that the operator keeps, on hosts that
// the cloud does not know.
var dayTwoAnswers = strings.Replace(controllersAnswers, "CONFIG_MARIADB_HOST=192.168.4.5\n",
	"CONFIG_STACKD_DATABASE=postgres://postgres@192.168.4.6:5432,192.168.4.7:5432/postgres?sslmode=disable&target_session_attrs=read-write\n", 1)

var dayTwoOf = map[string]string{"ctl1": "10", "ctl2": "11", "ctl3": "12", "compute1": "21", "compute2": "22"}

// What an operator does with a cloud of three controllers: it is upgraded from the version
// before while it is used, programs and the database's primary die, nodes come, go and die,
// a controller is started again, and one loses its disk.
func TestControllersDayTwo(t *testing.T) {
	file, older := image(t), cloudtest.Previous(t)
	n := newInstalled(t, "cd", (*hosts.Lab).Host, (*hosts.Lab).Machine, dayTwoOf, dayTwoAnswers)
	one, two := n.outside()
	before, today := n.state(), n.program
	n.refuses("CONFIG_STACKD_DATABASE=postgres://u:p@192.168.4.8,192.168.4.9/cloud", "no server of CONFIG_STACKD_DATABASE answers it: 192.168.4.8:5432, 192.168.4.9:5432")
	n.program = older
	start := time.Now()
	n.install()
	t.Logf("installed by the version before in %s", time.Since(start).Round(100*time.Millisecond))
	w := n.prepared(file)
	n.program = today
	w.unbounded()
	n.rolls(w)
	n.restarted()
	n.comesAndGoes(w)
	n.failsOver(one, two, w)
	n.boots3("ctl2", w)
	n.replaces("ctl1", w)
	w.end()
	n.ends(before)
}

const startOutside = `bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1); d=/var/lib/stackd/pg; mkdir -p $d; chmod 755 /var/lib/stackd; chown postgres $d
run() { su postgres -c "$*"; }
start() { run "$bin/pg_ctl -w -D $d/data -l $d/log -o '-k $d -c listen_addresses=$1 -c fsync=off -c max_connections=300' start >/dev/null"; }
`

// outside is the operator's database: a primary, and a standby that has all that it has
// said yes to.
func (n *notes) outside() (one, two *hosts.Host) {
	one, two = n.lab.Host("pg1", "mgmt 192.168.4.6/24"), n.lab.Host("pg2", "mgmt 192.168.4.7/24")
	one.Run("bash", "-ec", startOutside+`run "$bin/initdb -D $d/data -A trust >/dev/null"
printf 'host all all 192.168.4.0/24 trust\nhost replication all 192.168.4.0/24 trust\n' >> $d/data/pg_hba.conf; start 192.168.4.6`)
	two.Run("bash", "-ec", startOutside+`run "$bin/pg_basebackup -h 192.168.4.6 -D $d/data -R -X stream"; start 192.168.4.7`)
	one.Run("bash", "-ec", startOutside+`run "psql -h $d -qc \"ALTER SYSTEM SET synchronous_standby_names = '*'\" -c 'SELECT pg_reload_conf()' >/dev/null"`)
	return one, two
}

// rolls upgrades the hosts one after the other, from the version before to today's, while
// requests flow and servers are made.
func (n *notes) rolls(w *netLoad) {
	t := n.t
	t.Helper()
	holder := n.holder()
	pinged := n.pinging(w.guest.address)
	asking, err := cloudtest.Steadily(t.Context(), n.signInAtOne)
	if err != nil {
		t.Fatal(err)
	}
	w.begin()
	at, ends := time.Now(), make(chan error, 1)
	said := ""
	go func() {
		out, err := n.stackd("upgrade", "--answer-file", "/root/answers.txt")
		said = out
		ends <- err
	}()
	ids, err := w.making(ends)
	took := time.Since(at)
	time.Sleep(2 * time.Second)
	asking.Stop()
	w.pause()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, said, n.infra.Shell("tail -n 40 /var/tmp/stackd/latest/openstack-setup.log"))
	}
	sent, gone := pinged()
	failed, _ := w.errorsSince(at)
	t.Logf("upgraded in %s, %s last, which had the address; %d servers were made meanwhile; of those who try again: %s; of those who do not: %d of %d requests failed; %d of %d pings were lost\n%s\n%v",
		took.Round(100*time.Millisecond), holder, len(ids), asking, failed, w.asked(), gone, sent, said, w.texts())
	if len(asking.Failed) > 0 || len(ids) < 2 || gone*100 > sent { // a busy machine drops some by itself
		t.Error(asking.Failed, len(ids), gone)
	}
	for _, text := range w.texts() {
		if strings.Contains(text, ": 500 ") {
			t.Error(text)
		}
	}
	for name := range controllersOf {
		if name != holder && strings.Index(said, "Upgrading "+name) > strings.Index(said, "Upgrading "+holder) && strings.HasPrefix(name, "ctl") {
			t.Errorf("%s was upgraded after %s, which had the address", name, holder)
		}
		n.runs(name)
	}
	w.active(ids)
	if out := n.install(); !strings.Contains(out, " 0 steps acted") {
		t.Errorf("after the upgrade a run acts:\n%s", out)
	}
}

// holder is the controller that has the one address.
func (n *notes) holder() (name string) {
	n.t.Helper()
	until(n.t, "the address to be somewhere", 20*time.Second, func() (bool, string) {
		for c := range controllersOf {
			if strings.Contains(n.hosts[c].Shell("ip -4 -o addr"), oneAddress+"/32") {
				name = c
			}
		}
		return name != "", ""
	})
	return name
}

// answers waits until the one address answers, and says how long that took.
func (n *notes) answers(most time.Duration) time.Duration {
	n.t.Helper()
	start := time.Now()
	for ; time.Since(start) < most; time.Sleep(50 * time.Millisecond) {
		if n.lab.Outside("curl", "-sf", "-m", "1", "-o", os.DevNull, "http://"+oneAddress+":5000/v3").Run() == nil {
			return time.Since(start)
		}
	}
	n.t.Errorf("the address does not answer within %s", most)
	return most
}

// restarted sees that systemd starts what was killed, and that the address answers soon.
func (n *notes) restarted() {
	n.t.Helper()
	for name, unit := range map[string]string{n.holder(): "stackd", "compute1": "stackd-agent"} {
		h := n.hosts[name]
		h.Shell("kill -9 $(systemctl show -P MainPID " + unit + ")")
		took := n.answers(5 * time.Second)
		until(n.t, unit+" to be ready again", time.Minute, func() (bool, string) {
			s := h.Shell("stackd status --output json 2>/dev/null || true")
			return strings.Contains(s, `"ready":true`), s
		})
		s := h.Shell("systemctl is-active " + unit + "; systemctl is-enabled " + unit + "; systemctl show -P NRestarts " + unit)
		if s != "active\nenabled\n1" {
			n.t.Errorf("%s: %q", name, s)
		}
		n.t.Logf("%s of %s was killed: the address answered after %.1f s, and systemd started it again", unit, name, took.Seconds())
	}
}

// pinging pings the guest until it is asked for what became of it.
func (n *notes) pinging(address string) func() (sent, gone int) {
	n.t.Helper()
	var out strings.Builder
	ping := n.lab.Outside("ping", "-D", "-O", "-i", "0.2", "-W", "2", address)
	ping.Stdout = &out
	if err := ping.Start(); err != nil {
		n.t.Fatal(err)
	}
	return func() (sent, gone int) {
		ping.Process.Signal(os.Interrupt)
		ping.Wait()
		said := lost.FindStringSubmatch(out.String())
		if said == nil {
			n.t.Fatal("no word of ping: ", out.String())
		}
		for line := range strings.Lines(out.String()) {
			if strings.Contains(line, "no answer yet") {
				n.t.Log(strings.TrimSpace(line))
			}
		}
		received := 0
		fmt.Sscan(said[1]+" "+said[2], &sent, &received)
		return sent, sent - received
	}
}
