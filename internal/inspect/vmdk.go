package inspect

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// maxDescriptor is the longest descriptor looked at; real ones have a kilobyte.
const maxDescriptor = 1 << 20

// parseVMDK takes an image only if it is one file by itself: a sparse one with
// its descriptor inside.
func parseVMDK(p []byte) (int64, error) {
	if string(p[:4]) != "KDMV" {
		return 0, errors.New("the vmdk image is only a descriptor of other files")
	}
	if len(p) < sector {
		return 0, errMore(sector)
	}
	capacity, at, length := le.Uint64(p[12:]), le.Uint64(p[28:]), le.Uint64(p[36:])
	switch {
	case capacity == 0 || capacity > 1<<53: // QEMU follows the descriptor's extents when it is 0
		return 0, errors.New("the vmdk image has no possible size")
	case at == 0 || length == 0:
		return 0, errors.New("the vmdk image has no descriptor")
	case at > maxPrefix/sector/2 || length > maxDescriptor/sector:
		return 0, errors.New("the vmdk image's descriptor is too long or too far inside")
	}
	end := int(at+length) * sector
	if len(p) < end {
		return 0, errMore(end)
	}
	text, _, _ := strings.Cut(string(p[at*sector:end]), "\x00")
	return int64(capacity) * sector, checkDescriptor(text)
}

var extentLine = regexp.MustCompile(`^(RW|RDONLY|NOACCESS)\s+\d+\s+(\w+)(?:\s+"([^"]*)")?`)

func checkDescriptor(text string) error {
	kind, extents := "", 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if key, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			switch value = strings.Trim(strings.TrimSpace(value), `"`); strings.ToLower(strings.TrimSpace(key)) {
			case "createtype":
				kind = value
			case "parentcid":
				if !strings.EqualFold(value, "ffffffff") {
					return errors.New("the vmdk image has a parent")
				}
			case "parentfilenamehint":
				return errors.New("the vmdk image has a parent")
			}
		}
		if m := extentLine.FindStringSubmatch(line); m != nil {
			extents++
			if m[2] != "SPARSE" || strings.ContainsAny(m[3], `/\`) {
				return errors.New("the vmdk image has an extent in another file")
			}
		}
	}
	switch {
	case kind != "monolithicSparse" && kind != "streamOptimized":
		return fmt.Errorf("vmdk images of the type %q are not taken: monolithicSparse and streamOptimized are", kind)
	case extents != 1:
		return fmt.Errorf("the vmdk image has %d extents instead of one", extents)
	}
	return nil
}
