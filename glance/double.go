package glance

import (
	"bytes"

	"stackd/internal/inspect"
)

// isoAt is where an ISO file system has its mark. No other format has anything of
// its own there that could look like it.
const isoAt = 32769

var isoMark = []byte("CD001")

// double looks for a second format in what is said to be another: a file that is
// two things is read as the one by one program and as the other by the next.
type double struct {
	format string
	at     int64
	mark   []byte
}

// look takes the next bytes of the image.
func (d *double) look(b []byte) error {
	from := d.at
	d.at += int64(len(b))
	if from >= isoAt+int64(len(isoMark)) || d.at <= isoAt || d.format == "iso" {
		return nil
	}
	d.mark = append(d.mark, b[max(0, isoAt-from):min(int64(len(b)), isoAt+int64(len(isoMark))-from)]...)
	if bytes.Equal(d.mark, isoMark) {
		return &inspect.Refused{Claimed: d.format, Format: "iso", Reason: "the content is " + d.format + " and iso at once"}
	}
	return nil
}
