package nbd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Numbers of the negotiation.
const (
	magic      = 0x4e42444d41474943 // NBDMAGIC
	haveOption = 0x49484156454f5054 // IHAVEOPT
	optReply   = 0x0003e889045565a9

	fixedNewstyle, noZeroes = 1, 2

	optGo, optStructured, optSetContext = 7, 8, 10

	repAck, repInfo, repContext = 1, 3, 4
	repError                    = 1 << 31

	maxOption = 64 << 10 // bytes of an answer
)

var be = binary.BigEndian

// handshake negotiates the export that has a name.
func (c *Conn) handshake(export string) error {
	var hello struct {
		Magic, Have uint64
		Flags       uint16
	}
	if err := binary.Read(c.conn, be, &hello); err != nil {
		return err
	}
	if hello.Magic != magic || hello.Have != haveOption || hello.Flags&fixedNewstyle == 0 {
		return errors.New("nbd: the server speaks another dialect")
	}
	if err := binary.Write(c.conn, be, uint32(fixedNewstyle|noZeroes)); err != nil {
		return err
	}
	name := append(be.AppendUint32(nil, uint32(len(export))), export...)
	const wanted = "base:allocation"
	context := append(be.AppendUint32(be.AppendUint32(append([]byte{}, name...), 1), uint32(len(wanted))), wanted...)
	for _, o := range []struct {
		option uint32
		data   []byte
	}{{optStructured, nil}, {optSetContext, context}, {optGo, append(name, 0, 0)}} {
		if err := c.option(o.option, o.data); err != nil {
			return err
		}
	}
	if c.size < 0 {
		return errors.New("nbd: the server did not say how large the disk is")
	}
	return nil
}

// option asks for one, and reads the answers until the server has acknowledged it.
func (c *Conn) option(option uint32, data []byte) error {
	head := be.AppendUint32(be.AppendUint32(be.AppendUint64(nil, haveOption), option), uint32(len(data)))
	if _, err := c.conn.Write(append(head, data...)); err != nil {
		return err
	}
	for {
		var r struct {
			Magic                uint64
			Option, Kind, Length uint32
		}
		if err := binary.Read(c.conn, be, &r); err != nil {
			return err
		}
		if r.Magic != optReply || r.Option != option || r.Length > maxOption {
			return errors.New("nbd: an answer to no question")
		}
		body := make([]byte, r.Length)
		if _, err := io.ReadFull(c.conn, body); err != nil {
			return err
		}
		switch {
		case r.Kind == repAck:
			return nil
		case r.Kind&repError != 0:
			return fmt.Errorf("nbd: option %d is refused: error %d: %q", option, r.Kind&^repError, body)
		case r.Kind == repInfo && len(body) >= 12 && be.Uint16(body) == 0:
			c.size, c.flags = int64(be.Uint64(body[2:])), be.Uint16(body[10:])
		case r.Kind == repContext && len(body) >= 4:
			c.context = be.Uint32(body)
		}
	}
}
