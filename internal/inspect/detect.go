package inspect

import "bytes"

// maxPrefix bounds what an inspector keeps.
const maxPrefix = 8 << 20

// magics are formats' marks. Those that glance has no name for are known all
// the same: nothing that QEMU could take for another format passes as raw.
var magics = []struct {
	format string
	at     int
	mark   string
}{
	{"qcow2", 0, "QFI\xfb"},
	{"vmdk", 0, "KDMV"},
	{"vmdk", 0, "COWD"},
	{"vmdk", 0, "# Disk DescriptorFile"},
	{"vhdx", 0, "vhdxfile"},
	{"vhd", 0, "conectix"},
	{"vdi", 64, "\x7f\x10\xda\xbe"},
	{"qed", 0, "QED\x00"},
	{"luks", 0, "LUKS\xba\xbe"},
	{"ploop", 0, "WithoutFreeSpace"},
	{"ploop", 0, "WithouFreSpacExt"},
	{"bochs", 0, "Bochs Virtual HD Image"},
	{"cloop", 0, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop"},
	{"iso", 32769, "CD001"},
}

func detect(p []byte) string {
	for _, m := range magics {
		if len(p) >= m.at+len(m.mark) && string(p[m.at:m.at+len(m.mark)]) == m.mark {
			return m.format
		}
	}
	// QEMU takes a VMDK's descriptor after comments and empty lines, too.
	if bytes.Contains(p[:min(len(p), sector)], []byte("# Disk DescriptorFile")) {
		return "vmdk"
	}
	return "raw"
}

// A parser gives the virtual size, or why the image is refused, or asks for more.
var parsers = map[string]func([]byte) (int64, error){
	"qcow2": parseQcow2,
	"vmdk":  parseVMDK,
	"vhd":   parseVHD,
	"vhdx":  parseVHDX,
	"vdi":   parseVDI,
	"ploop": parsePloop,
}
