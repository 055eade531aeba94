package keystone

import (
	"context"
	"encoding/json"

	"stackd/internal/fault"
	"stackd/internal/token"
)

// An EC2Key is a key pair in the manner of EC2, kept as a credential of type ec2.
type EC2Key struct {
	Access string `json:"access"`
	Secret string `json:"secret"`
	bounds

	UserID, ProjectID string `json:"-"`
}

func ec2Access(blob string) (string, error) {
	var k EC2Key
	if err := json.Unmarshal([]byte(blob), &k); err != nil {
		return "", fault.New(fault.Invalid, "Invalid blob in credential")
	}
	if k.Access == "" {
		return "", fault.New(fault.Invalid, "Invalid credential: an ec2 blob needs an access key")
	}
	return k.Access, nil
}

// CreateEC2Key makes a key pair for a user on a project. One made by a delegated
// token gives no more than the token does.
func (i *Identity) CreateEC2Key(ctx context.Context, who *token.Who, user, project string) (*EC2Key, error) {
	if _, err := i.User(ctx, user); err != nil {
		return nil, err
	}
	if _, err := i.Project(ctx, project); err != nil {
		return nil, err
	}
	k := &EC2Key{Access: NewID(), Secret: NewID(), UserID: user, ProjectID: project,
		bounds: bounds{TrustID: who.TrustID, AppCredID: who.AppCredID, AccessTokenID: who.AccessTokenID}}
	b, err := json.Marshal(k)
	if err != nil {
		return nil, err
	}
	return k, i.CreateCredential(ctx, &Credential{UserID: user, ProjectID: project, Type: "ec2", Blob: string(b)})
}

// EC2Key is one key pair of a user, by its access key.
func (i *Identity) EC2Key(ctx context.Context, user, access string) (*EC2Key, error) {
	c, err := i.Credential(ctx, hash(access))
	if err != nil || c.Type != "ec2" || c.UserID != user {
		if err == nil || fault.Is(err, fault.NotFound) {
			return nil, missing("credential", access)
		}
		return nil, err
	}
	return ec2Key(c)
}

func ec2Key(c *Credential) (*EC2Key, error) {
	k := &EC2Key{UserID: c.UserID, ProjectID: c.ProjectID}
	return k, json.Unmarshal([]byte(c.Blob), k)
}

// EC2Keys are all key pairs of a user.
func (i *Identity) EC2Keys(ctx context.Context, user string) ([]*EC2Key, error) {
	if _, err := i.User(ctx, user); err != nil {
		return nil, err
	}
	cs, err := all[Credential](ctx, i.store, Match{"user_id": user, "type": "ec2"}, "id")
	if err != nil {
		return nil, err
	}
	if err := i.reveal(ctx, cs...); err != nil {
		return nil, err
	}
	out := []*EC2Key{}
	for _, c := range cs {
		k, err := ec2Key(c)
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}

// DeleteEC2Key takes a key pair away.
func (i *Identity) DeleteEC2Key(ctx context.Context, user, access string) error {
	if _, err := i.EC2Key(ctx, user, access); err != nil {
		return err
	}
	return i.DeleteCredential(ctx, hash(access))
}

// MayMakeKeys: a delegated token makes no keys outside its project, and none at all
// when its application credential is restricted.
func (i *Identity) MayMakeKeys(ctx context.Context, who *token.Who, project string) error {
	if err := i.unrestricted(ctx, who); err != nil {
		return err
	}
	if who.Delegated() && project != who.Project.ID {
		return Denied("identity:ec2_create_credential")
	}
	return nil
}
