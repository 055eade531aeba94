package mapping

// An Identity is who an assertion comes to.
type Identity struct {
	User     User      `json:"user"`
	GroupIDs []string  `json:"group_ids"`
	Groups   []Group   `json:"group_names"`
	Projects []Project `json:"projects"`
}

// The types of users: one that is there already, or one that is made at sign-in.
const (
	Local     = "local"
	Ephemeral = "ephemeral"
)

// A User is meant by id or name; a Domain of nil is the identity provider's.
type User struct {
	ID     string  `json:"id,omitempty"`
	Name   string  `json:"name,omitempty"`
	Email  string  `json:"email,omitempty"`
	Type   string  `json:"type"`
	Domain *Domain `json:"domain,omitempty"`
}

// A Domain is meant by one of the two.
type Domain struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// A Group is meant by its name in a domain.
type Group struct {
	Name   string  `json:"name"`
	Domain *Domain `json:"domain"`
}

// A Project is one to have the roles on; a Domain of nil is the identity provider's.
type Project struct {
	Name   string  `json:"name"`
	Roles  []Role  `json:"roles"`
	Domain *Domain `json:"domain,omitempty"`
}

// A Role is meant by its name.
type Role struct {
	Name string `json:"name"`
}
