package deploy

import "path"

// tell has chrony's own settings read ours, where they do not by themselves.
func (c clock) tell() string {
	if c.main == "" {
		return ""
	}
	return "grep -q '^# stackd:' " + c.main + " || printf '%s' " + quote(c.lines()) + " >> " + c.main + "\n"
}

func (c clock) lines() string {
	return "# stackd: the cloud's settings\nconfdir " + path.Dir(c.conf) + "\nsourcedir " + path.Dir(c.sources) + "\n# :stackd\n"
}

// told looks whether they do.
func (c clock) told() string {
	if c.main == "" {
		return ""
	}
	return "grep -q '^# stackd:' " + c.main + " && "
}

// untell gives them back, and has a chrony that somebody else started forget us.
func (c clock) untell() string {
	if c.main == "" {
		return ""
	}
	return "[ ! -e " + c.main + " ] || sed -i '/^# stackd:/,/^# :stackd/d' " + c.main + "; rmdir " + path.Dir(c.sources) + " 2>/dev/null || true; [ ! -d /run/systemd/system ] || systemctl -q try-restart " + c.unit + " || true; "
}

// again starts chrony with its settings as they are now.
func (c clock) again() string {
	return `if [ -d /run/systemd/system ]; then systemctl enable -q ` + c.unit + `; systemctl restart ` + c.unit + `; else
  p=$(cat /run/chrony/chronyd.pid 2>/dev/null || true); [ -z "$p" ] || { kill $p 2>/dev/null || true; for i in $(seq 50); do kill -0 $p 2>/dev/null || break; sleep .1; done; }
  mkdir -p /run/chrony; chronyd; sleep 1; cp /run/chrony/chronyd.pid ` + kept + `/chrony.pid; fi`
}

// start starts a chrony that does not run, and has one that does read our servers. One
// that had to be told where they are reads that when it starts.
func (c clock) start() string {
	if c.main != "" {
		return c.again()
	}
	return `if [ -d /run/systemd/system ]; then systemctl enable -q --now ` + c.unit + `; else chronyc -n activity >/dev/null 2>&1 || { mkdir -p /run/chrony; chronyd && sleep 1 && cp /run/chrony/chronyd.pid ` + kept + `/chrony.pid; }; fi
chronyc reload sources >&2 || true`
}

// endChrony ends the one that this installer started by itself.
const endChrony = "[ ! -e " + kept + "/chrony.pid ] || { kill $(cat " + kept + "/chrony.pid) 2>/dev/null || true; rm " + kept + "/chrony.pid; }"
