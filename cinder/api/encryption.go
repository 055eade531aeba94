package api

import (
	"stackd/cinder"
	"stackd/internal/fault"
	"stackd/internal/rest"
)

type encryptionView struct {
	TypeID   string `wire:"volume_type_id"`
	Location string `wire:"control_location"`
	ID       string `wire:"encryption_id"`
	KeySize  *int64 `wire:"key_size"`
	Provider string `wire:"provider"`
	Cipher   any    `wire:"cipher"`
	Created  stamp  `wire:"created_at"`
	Updated  stamp  `wire:"updated_at"`
	Deleted  bool   `wire:"deleted"`
	Gone     stamp  `wire:"deleted_at"`
}

func viewEncryption(e *cinder.Encryption) encryptionView {
	return encryptionView{TypeID: e.TypeID, Location: e.Location, ID: e.ID, KeySize: e.KeySize, Provider: e.Provider, Cipher: e.Cipher, Created: stamp(e.CreatedAt), Updated: stamp(e.UpdatedAt)}
}

func (s *service) showEncryption(c *rest.Call, in byID) (any, error) {
	e, err := s.c.EncryptionOf(c.Context(), in.ID)
	if err != nil || e == nil {
		return map[string]any{}, err
	}
	return viewEncryption(e), nil
}

func (s *service) showEncryptionKey(c *rest.Call, in keyOf) (any, error) {
	e, err := s.c.EncryptionOf(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	if e != nil {
		switch in.Key {
		case "provider":
			return map[string]any{in.Key: e.Provider}, nil
		case "cipher":
			return map[string]any{in.Key: e.Cipher}, nil
		case "key_size":
			return map[string]any{in.Key: e.KeySize}, nil
		case "control_location":
			return map[string]any{in.Key: e.Location}, nil
		case "encryption_id":
			return map[string]any{in.Key: e.ID}, nil
		}
	}
	return nil, fault.New(fault.NotFound, "The resource could not be found.")
}

type encryptionBody struct {
	Provider *string `json:"provider" wire:"provider,,omitempty"`
	Cipher   *string `json:"cipher" wire:"cipher,,omitempty"`
	KeySize  any     `json:"key_size" wire:"key_size,,omitempty"`
	Location *string `json:"control_location" wire:"control_location,,omitempty"`
}

// onto writes what was given.
func (b encryptionBody) onto(e *cinder.Encryption) error {
	if b.Provider != nil {
		e.Provider = *b.Provider
	}
	if b.Cipher != nil {
		e.Cipher = b.Cipher
	}
	if b.Location != nil {
		e.Location = *b.Location
	}
	if b.KeySize != nil {
		n := integer(b.KeySize)
		if n <= 0 {
			return fault.New(fault.Invalid, "Invalid input received: key_size must be a positive integer")
		}
		e.KeySize = &n
	}
	return nil
}

func (s *service) createEncryption(c *rest.Call, in struct {
	ID         string `path:"id"`
	Encryption encryptionBody
}) (any, error) {
	e := &cinder.Encryption{TypeID: in.ID, Location: "front-end"}
	if err := in.Encryption.onto(e); err != nil {
		return nil, err
	}
	if err := s.c.EncryptType(c.Context(), e); err != nil {
		return nil, err
	}
	return map[string]any{"encryption": map[string]any{"volume_type_id": e.TypeID, "encryption_id": e.ID, "provider": e.Provider, "cipher": e.Cipher, "key_size": e.KeySize, "control_location": e.Location}}, nil
}

func (s *service) updateEncryption(c *rest.Call, in struct {
	keyOf
	Encryption encryptionBody
}) (any, error) {
	err := s.c.ChangeEncryption(c.Context(), in.ID, in.Encryption.onto)
	return map[string]any{"encryption": in.Encryption}, err
}

func (s *service) deleteEncryption(c *rest.Call, in keyOf) error {
	return s.c.DropEncryption(c.Context(), in.ID)
}

// volumeEncryption is what a volume's type says of its encryption, once it has a key.
func (s *service) volumeEncryption(c *rest.Call, in byID) (any, error) {
	v, err := s.c.Store.Volume(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"encryption_key_id": some(v.KeyID)}
	if v.KeyID == "" {
		return out, nil
	}
	e, err := s.c.EncryptionOf(c.Context(), v.TypeID)
	if err == nil && e != nil {
		out["provider"], out["cipher"], out["key_size"], out["control_location"] = e.Provider, e.Cipher, e.KeySize, e.Location
	}
	return out, err
}

func (s *service) volumeEncryptionKey(c *rest.Call, in keyOf) (any, error) {
	all, err := s.volumeEncryption(c, byID{in.ID})
	if err != nil {
		return nil, err
	}
	return map[string]any{in.Key: all.(map[string]any)[in.Key]}, nil
}
