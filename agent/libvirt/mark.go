package libvirt

import (
	"encoding/xml"
	"time"

	"stackd/agent"
)

// markSpace is the XML namespace of our element in a domain's metadata.
const markSpace = "urn:stackd:server"

type metadata struct {
	Mark writtenMark `xml:"stackd:server"`
}

// writtenMark is the element as we write it, readMark as libvirt hands it out:
// encoding/xml has no one form for both.
type writtenMark struct {
	XMLName xml.Name `xml:"stackd:server"`
	Space   string   `xml:"xmlns:stackd,attr"`
	markAttrs
}

type readMark struct {
	XMLName xml.Name `xml:"urn:stackd:server server"`
	markAttrs
}

type markAttrs struct {
	ID          string `xml:"id,attr"`
	Owner       string `xml:"owner,attr"` // the data directory of the node whose guest it is
	Generation  int64  `xml:"generation,attr"`
	SoftReboots int64  `xml:"soft_reboots,attr"`
	HardReboots int64  `xml:"hard_reboots,attr"`
	Rebuilds    int64  `xml:"rebuilds,attr,omitempty"`
	DisksOf     int64  `xml:"disks_of,attr,omitempty"`
	Started     string `xml:"started,attr,omitempty"`
}

func writeMark(id, owner string, m agent.Mark) writtenMark {
	w := writtenMark{Space: markSpace, markAttrs: markAttrs{
		ID: id, Owner: owner, Generation: m.Generation, SoftReboots: m.SoftReboots, HardReboots: m.HardReboots, Rebuilds: m.Rebuilds, DisksOf: m.DisksOf,
	}}
	if !m.Started.IsZero() {
		w.Started = m.Started.UTC().Format(time.RFC3339Nano)
	}
	return w
}

func (a markAttrs) mark() agent.Mark {
	m := agent.Mark{Generation: a.Generation, SoftReboots: a.SoftReboots, HardReboots: a.HardReboots, Rebuilds: a.Rebuilds, DisksOf: a.DisksOf}
	m.Started, _ = time.Parse(time.RFC3339Nano, a.Started)
	return m
}
