package main

import (
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// Who calls between two processes is answered by the second, also on a connection that was
// made when the first did not listen any more.
func TestHandover(t *testing.T) {
	o := &options{Data: t.TempDir()}
	if s := given(o); len(s.of) != 0 {
		t.Fatal("sockets of nobody", s.of)
	}
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := first.Addr().String()
	h, err := hold(o, os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	caller, err := net.DialTimeout("tcp", at, time.Second)
	if err != nil {
		t.Fatal("refused:", err)
	}
	defer caller.Close()
	s := given(o)
	second, err := s.listen(at)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if !h.letGo() {
		t.Error("they were not given")
	}
	c, err := second.Accept()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "hello")
	c.Close()
	if b, err := io.ReadAll(caller); string(b) != "hello" {
		t.Errorf("%q %v", b, err)
	}
	s.rest()
	second.Close()
	if _, err := net.DialTimeout("tcp", at, time.Second); err == nil {
		t.Error("somebody still listens")
	}
}

// Nobody came for the sockets: they are free again.
func TestHandoverToNobody(t *testing.T) {
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &options{Data: t.TempDir()}
	h, err := hold(o, os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	if h.letGo() {
		t.Error("they were given to somebody")
	}
	again, err := net.Listen("tcp", first.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	if _, err := os.Stat(handoverOf(o)); err == nil {
		t.Error("the socket is left")
	}
}

func TestSameAddress(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{{"127.0.0.1:80", "127.0.0.1:80", true}, {"[::]:80", "0.0.0.0:80", true}, {"127.0.0.1:80", "127.0.0.2:80", false}, {"127.0.0.1:80", "127.0.0.1:81", false}, {"[::ffff:127.0.0.1]:80", "127.0.0.1:80", true}, {"x:80", "x:80", false}} {
		if sameAddress(c.a, c.b) != c.same {
			t.Error(c)
		}
	}
}
