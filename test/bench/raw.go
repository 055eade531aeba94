package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// raw sends the same request over and over on kept-alive connections, with as
// little work of its own as can be: two senders, each with a share of the
// connections, write to all of theirs and then read from all. The answer must be
// as long each time as it was the first.
func (b *bench) raw(ctx context.Context, what string, conns int, address string, headers map[string]string) error {
	if !strings.Contains(what, b.only) {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	request := "GET " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host + "\r\n"
	for k, v := range headers {
		request += k + ": " + v + "\r\n"
	}
	var n atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, 2)
	cpu, start := b.cpu(), time.Now()
	end := start.Add(time.Duration(b.seconds * float64(time.Second)))
	for range 2 {
		wg.Go(func() {
			if err := hammer(ctx, u.Host, []byte(request+"\r\n"), conns/2, end, &n); err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	took := time.Since(start).Seconds()
	select {
	case err := <-errs:
		return fmt.Errorf("%s: %w", what, err)
	default:
	}
	fmt.Printf("%-44s %4d %10.1f %9s %9s %11.3f\n", what, conns, float64(n.Load())/took, "", "", (b.cpu()-cpu)*1000/float64(n.Load()))
	return nil
}

func hammer(ctx context.Context, host string, request []byte, conns int, end time.Time, n *atomic.Int64) error {
	var cs []net.Conn
	length := 0
	for range conns {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", host)
		if err != nil {
			return err
		}
		defer c.Close()
		cs = append(cs, c)
		if _, err := c.Write(request); err != nil {
			return err
		}
		if length, err = answerLength(c); err != nil {
			return err
		}
	}
	buf := make([]byte, length)
	for time.Now().Before(end) {
		for _, c := range cs {
			if _, err := c.Write(request); err != nil {
				return err
			}
		}
		for _, c := range cs {
			if _, err := io.ReadFull(c, buf); err != nil {
				return err
			}
			if !bytes.HasPrefix(buf, []byte("HTTP/1.1 200 ")) {
				return fmt.Errorf("an answer begins %q", buf[:min(len(buf), 40)])
			}
		}
		n.Add(int64(len(cs)))
	}
	return nil
}

// answerLength reads one answer of status 200 and tells how many bytes it has.
func answerLength(c net.Conn) (int, error) {
	r := bufio.NewReader(c)
	total, body := 0, 0
	for first := true; ; first = false {
		line, err := r.ReadString('\n')
		if err != nil {
			return 0, err
		}
		total += len(line)
		if first && !strings.HasPrefix(line, "HTTP/1.1 200 ") {
			return 0, fmt.Errorf("the answer is %s", strings.TrimSpace(line))
		}
		if line == "\r\n" {
			break
		}
		fmt.Sscanf(line, "Content-Length: %d", &body)
	}
	_, err := io.CopyN(io.Discard, r, int64(body))
	return total + body, err
}
