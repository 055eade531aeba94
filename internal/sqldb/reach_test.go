package sqldb

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// silent is an address at which nobody answers: its queue of callers is full.
func silent(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err == nil {
		err = syscall.Listen(fd, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	at, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	a := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: at.(*syscall.SockaddrInet4).Port}).String()
	for range 8 {
		c, err := net.DialTimeout("tcp", a, 200*time.Millisecond)
		if err != nil {
			return a
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Fatal("it answers all")
	return ""
}

// A server without power holds up one caller at a time, and is asked again later.
func TestSilentServer(t *testing.T) {
	a := silent(t)
	r := &reach{several: true, dark: map[string]time.Time{}}
	ctx, cancel := context.WithTimeout(t.Context(), dialing*3/4)
	defer cancel()
	if _, err := r.dial(ctx, "tcp", a); err == nil {
		t.Fatal("it answers")
	}
	began := time.Now()
	if _, err := r.dial(t.Context(), "tcp", a); !errors.Is(err, errDark) || time.Since(began) > time.Second {
		t.Error(err, time.Since(began))
	}
	r.dark[a] = time.Now()
	if !r.enter(a) || r.enter(a) {
		t.Error("not one is let through to it")
	}
	r.note(a, nil, 0)
	for range 2 {
		if !r.enter(a) {
			t.Error("it answers again, and is not asked")
		}
	}
}

// Several servers may be named in any form that PostgreSQL's own programs know.
func TestAddresses(t *testing.T) {
	for where, several := range map[string]bool{
		"postgres://u:p@192.0.2.1:5432,192.0.2.2:5432/db?sslmode=verify-full&sslrootcert=/nowhere": false,
		"postgres://u:p@192.0.2.1,192.0.2.2/db":                                                    true,
		"postgres://u:p@192.0.2.1:5432,192.0.2.2/db":                                               true,
		"postgresql://u:p@[2001:db8::1]:5432,[2001:db8::2]:5432/db":                                true,
		"postgres://u:p@192.0.2.1/db?sslmode=prefer":                                               false,
	} {
		c, err := configure(where)
		if all, e := Servers(where); e != nil || len(all) != 1+strings.Count(where, ",") {
			t.Error(where, all, e)
		}
		if strings.Contains(where, "/nowhere") {
			if err == nil || strings.Contains(err.Error(), "u:p@") {
				t.Error(where, err)
			}
			continue
		}
		if err != nil || (c.ValidateConnect != nil) != several {
			t.Error(where, err)
		}
	}
	for _, where := range []string{"postgres://", "postgres://u:p@192.0.2.1:x/db", "mysql", "postgres:///db"} {
		if all, err := Servers(where); err == nil {
			t.Error(where, all)
		}
	}
}
