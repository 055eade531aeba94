package inspect

import (
	"errors"
	"fmt"
	"io"
)

// Formats that New knows, in glance's words.
var Formats = []string{"raw", "qcow2", "vmdk", "vhd", "vhdx", "vdi", "iso", "ploop", "ami", "aki", "ari"}

// Result is what an image is.
type Result struct {
	Format      string // as found; raw when nothing else was
	VirtualSize int64  // bytes of the disk that a guest sees
}

// Refused is the error of an image that must not be used.
type Refused struct {
	Claimed string // the format it was said to be
	Format  string // the format it is
	Reason  string // for the one who uploaded it
}

func (r *Refused) Error() string { return r.Reason }

// IsRefused finds a Refused in err's chain.
func IsRefused(err error) bool { var r *Refused; return errors.As(err, &r) }

// An Inspector is written an image's bytes in order. A Write fails once it is
// certain that the image is to be refused; the error is a Refused.
type Inspector struct {
	claimed string
	prefix  []byte
	want    int // bytes of prefix that the next look needs
	tail    []byte
	total   int64
	settled bool
	result  Result
	err     error
}

const sector = 512

// firstLook is enough to know every format, ISO's mark at 32 KiB included.
const firstLook = 32<<10 + 6

// New is an inspector of an image said to be in the claimed format.
func New(claimed string) *Inspector { return &Inspector{claimed: claimed, want: sector} }

// Write takes the next bytes of the image.
func (i *Inspector) Write(p []byte) (int, error) {
	if i.err != nil {
		return 0, i.err
	}
	i.total += int64(len(p))
	i.keepTail(p)
	rest := p
	for !i.settled && i.err == nil && len(rest) > 0 {
		n := min(i.want-len(i.prefix), len(rest))
		i.prefix = append(i.prefix, rest[:n]...)
		rest = rest[n:]
		if len(i.prefix) == i.want {
			i.look(false)
		}
	}
	if i.err != nil {
		return 0, i.err
	}
	return len(p), nil
}

// keepTail keeps the last sector: a fixed VHD is known by it alone.
func (i *Inspector) keepTail(p []byte) {
	if len(p) >= sector {
		i.tail = append(i.tail[:0], p[len(p)-sector:]...)
		return
	}
	i.tail = append(i.tail, p...)
	i.tail = i.tail[max(0, len(i.tail)-sector):]
}

// Err is why the image is refused, as far as is known by now.
func (i *Inspector) Err() error { return i.err }

// Result is the last word, after the last Write.
func (i *Inspector) Result() (Result, error) {
	if !i.settled && i.err == nil {
		i.look(true)
	}
	if i.err == nil && i.claimed == "vhd" && i.result.Format == "raw" {
		i.fixedVHD()
	}
	if i.err == nil && i.result.VirtualSize == 0 {
		i.result.VirtualSize = i.total
	}
	return i.result, i.err
}

// errMore asks for a longer prefix.
type errMore int

func (errMore) Error() string { return "inspect: more bytes are needed" }

// look judges the prefix, or finds how much more of it is needed.
func (i *Inspector) look(last bool) {
	format := detect(i.prefix)
	if format == "raw" && !last && len(i.prefix) < firstLook {
		i.want = firstLook
		return
	}
	i.result.Format = format
	if err := i.match(format); err != nil {
		i.err = err
		return
	}
	size, err := int64(0), error(nil)
	if parse := parsers[format]; parse != nil {
		size, err = parse(i.prefix)
	}
	var more errMore
	switch {
	case errors.As(err, &more) && !last && int(more) <= maxPrefix:
		i.want = int(more)
	case errors.As(err, &more):
		i.refuse("the image's %s header is cut short", format)
	case err != nil:
		i.refuse("%s", err.Error())
	default:
		i.settled, i.result.VirtualSize, i.prefix = true, size, nil
	}
}

// match compares what was found with what was claimed.
func (i *Inspector) match(found string) error {
	ok := found == i.claimed
	switch i.claimed {
	case "ami", "aki", "ari":
		ok = found == "raw"
	case "vhd":
		ok = ok || found == "raw" // a fixed one; its mark comes last
	}
	if ok {
		return nil
	}
	return &Refused{i.claimed, found, fmt.Sprintf("the content is %s, not %s", found, i.claimed)}
}

func (i *Inspector) refuse(format string, args ...any) {
	i.err = &Refused{i.claimed, i.result.Format, fmt.Sprintf(format, args...)}
}

func (i *Inspector) fixedVHD() {
	size, err := parseVHD(i.tail)
	if err != nil || string(i.tail[:8]) != "conectix" {
		i.refuse("the content is raw, not vhd")
		return
	}
	i.result = Result{"vhd", size}
}

// File judges an image that lies somewhere as a whole, reading no more than it must.
func File(r io.ReaderAt, size int64, claimed string) (Result, error) {
	i := New(claimed)
	buf := make([]byte, 64<<10)
	for at := int64(0); at < size && !i.settled; {
		n, err := r.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if n == 0 && err != nil {
			return Result{}, err
		}
		if _, err := i.Write(buf[:n]); err != nil {
			return i.result, err
		}
		at += int64(n)
	}
	last := make([]byte, min(size, sector))
	if _, err := r.ReadAt(last, size-int64(len(last))); err != nil && err != io.EOF {
		return Result{}, err
	}
	i.tail, i.total = last, size
	return i.Result()
}
