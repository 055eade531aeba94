package inspect

import (
	"encoding/hex"
	"errors"
)

// parseVHD reads a VHD's footer, of which a dynamic disk has a copy up front.
func parseVHD(p []byte) (int64, error) {
	if len(p) < sector {
		return 0, errMore(sector)
	}
	size := be.Uint64(p[48:])
	switch kind := be.Uint32(p[60:]); {
	case kind == 4:
		return 0, errors.New("the vhd image has a parent")
	case kind != 2 && kind != 3:
		return 0, errors.New("the vhd image is of a kind that is not known")
	case size == 0 || size > 1<<62:
		return 0, errors.New("the vhd image has no possible size")
	}
	return int64(size), nil
}

// parseVDI reads VirtualBox's header.
func parseVDI(p []byte) (int64, error) {
	if len(p) < sector {
		return 0, errMore(sector)
	}
	size := le.Uint64(p[368:])
	switch kind := le.Uint32(p[76:]); {
	case kind == 3 || kind == 4 || !zero(p[440:456]):
		return 0, errors.New("the vdi image has a parent")
	case kind != 1 && kind != 2:
		return 0, errors.New("the vdi image is of a kind that is not known")
	case size == 0 || size > 1<<62:
		return 0, errors.New("the vdi image has no possible size")
	}
	return int64(size), nil
}

func parsePloop(p []byte) (int64, error) {
	if len(p) < 64 {
		return 0, errMore(64)
	}
	sectors := uint64(le.Uint32(p[36:]))
	if string(p[:16]) == "WithouFreSpacExt" {
		sectors = le.Uint64(p[36:])
	}
	if sectors == 0 || sectors > 1<<53 {
		return 0, errors.New("the ploop image has no possible size")
	}
	return int64(sectors) * sector, nil
}

func zero(p []byte) bool {
	for _, b := range p {
		if b != 0 {
			return false
		}
	}
	return true
}

// A VHDX names its parts by GUID, as they lie in the file.
var (
	vhdxMetadata = guid("06a27c8b90479a4bb8fe575f050f886e")
	vhdxSize     = guid("2442a52f1bcd7648b2115dbed83bf4b8")
	vhdxParams   = guid("3767a1ca36fa434db3b633f0aa44e76b")
	vhdxParent   = guid("2d5fd3a80bb34d45abf7d3d84834ab0c")
)

func guid(s string) string { b, _ := hex.DecodeString(s); return string(b) }

const (
	vhdxRegions = 192 << 10 // the region table
	vhdxTable   = 64 << 10  // the length of a table
	vhdxEntry   = 32
)

// parseVHDX goes by the region table to the metadata, and there looks for a
// parent and for the size.
func parseVHDX(p []byte) (int64, error) {
	if len(p) < vhdxRegions+vhdxTable {
		return 0, errMore(vhdxRegions + vhdxTable)
	}
	regions := p[vhdxRegions : vhdxRegions+vhdxTable]
	if string(regions[:4]) != "regi" {
		return 0, errors.New("the vhdx image has no region table")
	}
	for n := range min(int(le.Uint32(regions[8:])), 2047) {
		e := regions[16+n*vhdxEntry:]
		if len(e) < vhdxEntry {
			break
		}
		if string(e[:16]) == vhdxMetadata {
			return vhdxItems(p, le.Uint64(e[16:]))
		}
	}
	return 0, errors.New("the vhdx image has no metadata")
}

func vhdxItems(p []byte, at uint64) (int64, error) {
	if at > maxPrefix-2*vhdxTable {
		return 0, errors.New("the vhdx image's metadata is too far inside")
	}
	if end := int(at) + 2*vhdxTable; len(p) < end {
		return 0, errMore(end)
	}
	region := p[at : at+2*vhdxTable]
	if string(region[:8]) != "metadata" {
		return 0, errors.New("the vhdx image has no metadata")
	}
	size := uint64(0)
	for n := range min(int(le.Uint16(region[10:])), 2047) {
		e := region[32+n*vhdxEntry:]
		id, offset := string(e[:16]), le.Uint32(e[16:])
		if offset > 2*vhdxTable-8 {
			return 0, errors.New("the vhdx image's metadata is too long")
		}
		switch item := region[offset:]; {
		case id == vhdxParent || id == vhdxParams && le.Uint32(item[4:])&2 != 0:
			return 0, errors.New("the vhdx image has a parent")
		case id == vhdxSize:
			size = le.Uint64(item)
		}
	}
	if size == 0 || size > 1<<62 {
		return 0, errors.New("the vhdx image has no possible size")
	}
	return int64(size), nil
}
