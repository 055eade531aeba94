package main

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// Before the address goes who is being answered gets the answer, nobody new is let in, and
// no connection is left.
func TestParting(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	begun := make(chan bool, 1)
	srv := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		begun <- true
		time.Sleep(300 * time.Millisecond)
	})}
	var s shared
	go srv.Serve(s.gate(l, srv))
	defer srv.Close()
	idle, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan error)
	go func() {
		_, err := http.Get("http://" + l.Addr().String())
		answered <- err
	}()
	<-begun
	done := make(chan bool)
	go func() { s.leave(); close(done) }()
	time.Sleep(100 * time.Millisecond)
	c, err := net.Dial("tcp", l.Addr().String())
	if err == nil {
		_, err = io.ReadAll(c)
	}
	if err == nil {
		t.Error("a caller is not reset")
	}
	if err := <-answered; err != nil {
		t.Error("the answer is lost:", err)
	}
	<-done
	idle.SetReadDeadline(time.Now().Add(time.Second))
	if _, err := idle.Read(make([]byte, 1)); err != io.EOF {
		t.Error("a connection is left:", err)
	}
}
