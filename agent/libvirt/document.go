package libvirt

import (
	"encoding/xml"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"stackd/agent"
	"stackd/internal/converge"
)

// A node of a document that another host has sent. What it may say is said here: that host
// may not be what it was, and a domain's document can have QEMU open any file.
type node struct {
	name  string
	attrs []xml.Attr
	text  string
	nodes []*node
}

// elements are those that our own domains have, with what libvirt adds to them.
var elements = strings.Fields(`domain name uuid title metadata memory currentMemory vcpu resource partition sysinfo system entry os type boot kernel initrd cmdline smbios bios
	features acpi apic tcg tb-cache vmport pae cpu model topology feature cache maxphysaddr clock timer pm suspend-to-mem suspend-to-disk on_poweroff on_reboot on_crash on_lockfailure
	devices emulator disk driver source host auth secret encryption slices slice target readonly shareable serial boot iotune alias address controller interface mac mtu csum
	console log input graphics listen audio video acceleration rng backend memballoon stats backingStore format mirror seclabel label imagelabel baselabel driver gso
	total_bytes_sec read_bytes_sec write_bytes_sec total_iops_sec read_iops_sec write_iops_sec total_bytes_sec_max read_bytes_sec_max write_bytes_sec_max total_iops_sec_max read_iops_sec_max write_iops_sec_max size_iops_sec`)

func readDocument(text string) (*node, error) {
	d := xml.NewDecoder(strings.NewReader(text))
	root := &node{}
	stack := []*node{root}
	for {
		t, err := d.RawToken()
		if err == io.EOF && len(root.nodes) == 1 && len(stack) == 1 {
			return root.nodes[0], nil
		}
		if err != nil {
			return nil, err
		}
		top := stack[len(stack)-1]
		switch t := t.(type) {
		case xml.StartElement:
			n := &node{name: full(t.Name), attrs: slices.Clone(t.Attr)}
			top.nodes = append(top.nodes, n)
			stack = append(stack, n)
		case xml.EndElement:
			if len(stack) == 1 || full(t.Name) != top.name {
				return nil, fmt.Errorf("the element %s ends what has not begun", full(t.Name))
			}
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text += string(t)
		}
	}
}

func full(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}

func (n *node) attr(name string) string {
	for _, a := range n.attrs {
		if full(a.Name) == name {
			return a.Value
		}
	}
	return ""
}

func (n *node) set(name, value string) {
	for i := range n.attrs {
		if full(n.attrs[i].Name) == name {
			n.attrs[i].Value = value
			return
		}
	}
	n.attrs = append(n.attrs, xml.Attr{Name: xml.Name{Local: name}, Value: value})
}

// all are the elements of a name below n.
func (n *node) all(name string) (out []*node) {
	for _, c := range n.nodes {
		if c.name == name {
			out = append(out, c)
		}
		out = append(out, c.all(name)...)
	}
	return out
}

func (n *node) drop(names ...string) {
	n.nodes = slices.DeleteFunc(n.nodes, func(c *node) bool { return slices.Contains(names, c.name) })
	for _, c := range n.nodes {
		c.drop(names...)
	}
}

// write gives the document; raw takes the place of the metadata.
func (n *node) write(b *strings.Builder, raw string) {
	fmt.Fprintf(b, "<%s", n.name)
	for _, a := range n.attrs {
		b.WriteString(" " + full(a.Name) + `="`)
		xml.EscapeText(b, []byte(a.Value))
		b.WriteString(`"`)
	}
	b.WriteString(">")
	if n.name == "metadata" {
		b.WriteString(raw)
	} else {
		if len(n.nodes) == 0 {
			xml.EscapeText(b, []byte(n.text))
		}
		for _, c := range n.nodes {
			c.write(b, raw)
		}
	}
	fmt.Fprintf(b, "</%s>", n.name)
}

// landing makes the document of a guest that comes one of this host: its own files, sockets
// and mark, and the guest's devices as they are. It refuses what the wish does not say.
func (p Platform) landing(s agent.Spec, document string) (string, error) {
	own, err := p.build(s)
	if err != nil {
		return "", err
	}
	doc, err := readDocument(document)
	if err == nil {
		err = p.adapt(doc, own, s)
	}
	if err != nil {
		return "", converge.Finalf("the guest that comes is not as wished: %w", err)
	}
	mark, err := xml.Marshal(own.Metadata.Mark)
	var b strings.Builder
	doc.write(&b, string(mark))
	return b.String(), err
}

func (p Platform) adapt(doc *node, own domain, s agent.Spec) error {
	doc.drop("backingStore", "seclabel", "mirror")
	for _, m := range doc.all("metadata") {
		m.nodes = nil
	}
	if err := known(doc); err != nil {
		return err
	}
	for _, f := range []func(*node, domain, agent.Spec) error{sameGuest, adaptDisks, adaptNICs, p.adaptRest} {
		if err := f(doc, own, s); err != nil {
			return err
		}
	}
	return nil
}

func known(n *node) error {
	if !slices.Contains(elements, n.name) {
		return fmt.Errorf("it has an element %s", n.name)
	}
	for _, c := range n.nodes {
		if err := known(c); err != nil {
			return err
		}
	}
	return nil
}

func sameGuest(doc *node, own domain, _ agent.Spec) error {
	for name, want := range map[string]string{"uuid": own.UUID, "name": own.Name} {
		all := doc.all(name)
		if len(all) == 0 || strings.TrimSpace(all[0].text) != want {
			return fmt.Errorf("its %s is not %s", name, want)
		}
	}
	if doc.name != "domain" || doc.attr("type") != own.Type {
		return fmt.Errorf("it is a %s of type %s, not %s", doc.name, doc.attr("type"), own.Type)
	}
	return nil
}

// adaptDisks gives local disks their files here; volumes must be where the wish has them.
func adaptDisks(doc *node, own domain, s agent.Spec) error {
	var places []string
	for _, v := range s.Volumes {
		places = append(places, v.Place())
	}
	for _, n := range doc.all("disk") {
		dev := ""
		for _, t := range n.all("target") {
			dev = t.attr("dev")
		}
		sources := n.all("source")
		if len(sources) != 1 {
			return fmt.Errorf("the disk %s has %d sources", dev, len(sources))
		}
		place := placeOf(n.attr("type"), sourceOf(sources[0]))
		if slices.Contains(places, place) {
			continue
		}
		at := slices.IndexFunc(own.Devices.Disks, func(d disk) bool { return d.Target.Dev == dev && d.Source.File != "" && d.Alias == nil })
		if at < 0 || n.attr("type") != "file" {
			return fmt.Errorf("the disk %s is at %s", dev, place)
		}
		sources[0].set("file", own.Devices.Disks[at].Source.File)
		if d := n.all("driver"); len(d) > 0 {
			d[0].set("type", own.Devices.Disks[at].Driver.Type)
		}
	}
	return nil
}

func sourceOf(n *node) diskSource {
	s := diskSource{File: n.attr("file"), Protocol: n.attr("protocol"), Name: n.attr("name")}
	for _, h := range n.all("host") {
		s.Hosts = append(s.Hosts, sourceHost{Name: h.attr("name"), Port: h.attr("port"), Transport: h.attr("transport"), Socket: h.attr("socket")})
	}
	return s
}

func adaptNICs(doc *node, own domain, _ agent.Spec) error {
	for _, n := range doc.all("interface") {
		tap := ""
		for _, t := range n.all("target") {
			tap = t.attr("dev")
		}
		if n.attr("type") != "ethernet" || len(n.all("source")) > 0 || !slices.ContainsFunc(own.Devices.Interfaces, func(i iface) bool { return i.Target.Dev == tap }) {
			return fmt.Errorf("it has a NIC %s of type %s", tap, n.attr("type"))
		}
	}
	return nil
}

// adaptRest: serial lines, the display, the machine's own files.
func (p Platform) adaptRest(doc *node, own domain, s agent.Spec) error {
	for _, n := range doc.all("log") {
		n.set("file", s.Console)
	}
	for _, name := range []string{"serial", "console"} {
		for _, n := range doc.all(name) {
			if t := n.attr("type"); t != "pty" && t != "" { // a disk's serial has none
				return fmt.Errorf("it has a %s of type %s", name, t)
			}
			n.drop("source")
		}
	}
	for _, n := range doc.all("graphics") {
		if n.attr("type") != "vnc" {
			return fmt.Errorf("it has a display of type %s", n.attr("type"))
		}
		n.set("socket", p.vncSocket(s.ID))
		n.drop("listen")
	}
	for _, n := range doc.all("backend") {
		if n.attr("model") != "random" || strings.TrimSpace(n.text) != "/dev/urandom" {
			return fmt.Errorf("it gets its random bytes from %s", n.text)
		}
	}
	for _, n := range doc.all("emulator") {
		if at := strings.TrimSpace(n.text); path.Clean(at) != at || !strings.HasPrefix(at, "/usr/") || !strings.HasPrefix(path.Base(at), "qemu-") {
			return fmt.Errorf("it is run by %s", at)
		}
	}
	for name, at := range map[string]string{"kernel": own.OS.Kernel, "initrd": own.OS.Initrd} {
		for _, n := range doc.all(name) {
			if n.text = at; at == "" {
				return fmt.Errorf("it has a %s", name)
			}
		}
	}
	return nil
}
