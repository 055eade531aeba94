package store

import "encoding/json"

// like matches a property in the JSON text of all of them.
func like(key, value string) string {
	b, err := json.Marshal(map[string]string{key: value})
	if err != nil {
		return ""
	}
	return "%" + string(b[1:len(b)-1]) + "%"
}
