package inspect

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var be, le = binary.BigEndian, binary.LittleEndian

// Incompatible features of a qcow2 image that are no danger: dirty reference
// counts, a compression type, extended L2 entries.
const (
	qcow2Corrupt  = 1 << 1
	qcow2DataFile = 1 << 2
	qcow2Harmless = 1<<0 | 1<<3 | 1<<4
)

const qcow2DataFileName = 0x44415441

func parseQcow2(p []byte) (int64, error) {
	if len(p) < 104 {
		return 0, errMore(104)
	}
	version, clusterBits, size := be.Uint32(p[4:]), be.Uint32(p[20:]), be.Uint64(p[24:])
	switch {
	case version != 2 && version != 3:
		return 0, fmt.Errorf("qcow2 version %d is not known", version)
	case be.Uint64(p[8:]) != 0 || be.Uint32(p[16:]) != 0:
		return 0, errors.New("the qcow2 image has a backing file")
	case clusterBits < 9 || clusterBits > 21:
		return 0, errors.New("the qcow2 image has clusters of no possible size")
	case size == 0 || size > 1<<62:
		return 0, errors.New("the qcow2 image has no possible size")
	case be.Uint32(p[32:]) != 0:
		return 0, errors.New("the qcow2 image is encrypted")
	}
	if version == 2 {
		return int64(size), nil
	}
	if err := qcow2Features(be.Uint64(p[72:])); err != nil {
		return 0, err
	}
	return int64(size), qcow2Extensions(p, int(be.Uint32(p[100:])), 1<<clusterBits)
}

func qcow2Features(bits uint64) error {
	switch {
	case bits&qcow2DataFile != 0:
		return errors.New("the qcow2 image has a data file")
	case bits&qcow2Corrupt != 0:
		return errors.New("the qcow2 image is marked corrupt")
	case bits&^qcow2Harmless != 0:
		return fmt.Errorf("the qcow2 image has features that are not known (%#x)", bits&^qcow2Harmless)
	}
	return nil
}

// qcow2Extensions walks the header's extensions; they end with type 0 and lie in
// the first cluster.
func qcow2Extensions(p []byte, at, cluster int) error {
	if at < 104 || at > cluster {
		return errors.New("the qcow2 image's header has no possible length")
	}
	for at+8 <= cluster {
		if len(p) < at+8 {
			return errMore(at + 8)
		}
		kind, length := be.Uint32(p[at:]), int(be.Uint32(p[at+4:]))
		switch {
		case kind == 0:
			return nil
		case kind == qcow2DataFileName:
			return errors.New("the qcow2 image has a data file")
		case length > cluster:
			return errors.New("the qcow2 image's header extension has no possible length")
		}
		at += 8 + (length+7)&^7
	}
	return nil
}
