package iscsi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A target is what tgtd knows of one.
type target struct {
	id     int32
	name   string
	path   string
	size   float64 // bytes, roughly: tgtd rounds it to three digits or more
	opened bool    // initiators may reach it: what is made of it last
}

// targets are all there are; none when no daemon is.
func (d tgtd) targets(ctx context.Context) (map[string]target, error) {
	text, err := d.do(ctx, call{what: "list the targets", mode: modeTarget, op: opShow, tid: -1, lun: none})
	if away(err) {
		return nil, nil
	}
	return parse(text), err
}

// parse reads the daemon's list.
func parse(text string) map[string]target {
	all := map[string]target{}
	var t target
	lun, part := "", ""
	end := func() {
		if t.name != "" {
			all[t.name] = t
		}
	}
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		key, value, _ := strings.Cut(line, ": ")
		switch {
		case strings.HasPrefix(line, "Target "):
			end()
			n, _ := strconv.ParseInt(strings.TrimPrefix(key, "Target "), 10, 32)
			t, lun, part = target{id: int32(n), name: value}, "", ""
		case strings.HasSuffix(line, " information:"):
			part = line
		case key == "LUN":
			lun = value
		case key == "Backing store path" && lun == "1":
			t.path = value
		case key == "Size" && lun == "1":
			t.size = bytesOf(value)
		case part == "ACL information:" && line == "ALL":
			t.opened = true
		}
	}
	end()
	return all
}

// bytesOf reads "1074 MB, Block size: 512".
func bytesOf(text string) float64 {
	number, unit, _ := strings.Cut(strings.Split(text, ",")[0], " ")
	n, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0
	}
	for _, u := range []string{"B", "KB", "MB", "GB", "TB", "PB"} {
		if u == unit {
			return n
		}
		n *= 1000
	}
	return 0
}

// make makes a target for a disk, which one account alone may reach.
func (d tgtd) make(ctx context.Context, t target, user, password string) error {
	if strings.ContainsAny(t.path, ",\n\x00") {
		return fmt.Errorf("tgtd cannot be told of the path %q", t.path)
	}
	if err := d.dropAccount(ctx, user); err != nil { // what a cut left
		return err
	}
	for _, c := range []call{
		{what: "make a target", mode: modeTarget, op: opNew, args: "targetname=" + t.name},
		{what: "give a target its disk", mode: modeUnit, op: opNew, lun: 1, args: "path=" + t.path + ",bstype=rdwr"},
		{what: "make an account", mode: modeAccount, op: opNew, args: "user=" + user + ",password=" + password},
		{what: "give an account its target", mode: modeAccount, op: opBind, args: "user=" + user},
		{what: "open a target", mode: modeTarget, op: opBind, args: "initiator-address=ALL"},
	} {
		if c.tid = t.id; c.lun == 0 {
			c.lun = none
		}
		if c.mode == modeAccount && c.op == opNew {
			c.tid = -1
		}
		if _, err := d.do(ctx, c); err != nil {
			return errors.Join(err, d.drop(context.WithoutCancel(ctx), t, user))
		}
	}
	return nil
}

// drop takes a target away, whoever uses it, and its account.
func (d tgtd) drop(ctx context.Context, t target, user string) error {
	_, err := d.do(ctx, call{what: "take a target away", mode: modeTarget, op: opDelete, tid: t.id, lun: none, force: 1})
	if err != nil && !refused(err, noTarget) {
		return err
	}
	return d.dropAccount(ctx, user)
}

func (d tgtd) dropAccount(ctx context.Context, user string) error {
	_, err := d.do(ctx, call{what: "take an account away", mode: modeAccount, op: opDelete, tid: -1, lun: none, args: "user=" + user})
	if refused(err, noUser) {
		return nil
	}
	return err
}
