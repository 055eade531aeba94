package api

import (
	"encoding/json"

	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/keystone"
)

func (a *API) consumerRows() []rest.Route {
	on := "/v3/OS-OAUTH1/consumers"
	return []rest.Route{
		{On: "GET " + on, Rule: "identity:list_consumers", Target: nobody, List: list("consumers"), Do: rest.Do(a.listConsumers)},
		{On: "POST " + on, Rule: "identity:create_consumer", Target: nobody, Body: a.shelf.Get("consumer.create"), Status: 201, Do: rest.Do(a.createConsumer)},
		{On: "GET " + on + "/{id}", Rule: "identity:get_consumer", Target: nobody, Do: rest.Do(a.showConsumer)},
		{On: "PATCH " + on + "/{id}", Rule: "identity:update_consumer", Target: nobody, Body: a.shelf.Get("consumer.update"), Do: rest.Do(a.updateConsumer)},
		{On: "DELETE " + on + "/{id}", Rule: "identity:delete_consumer", Target: nobody, Status: 204, Mutates: true, Do: rest.DoNothing(a.deleteConsumer)},
	}
}

type consumer struct {
	ID          string         `json:"-" wire:"id"`
	Description *string        `json:"description" wire:"description"`
	Secret      string         `json:"-" wire:"secret,,omitempty"` // told once
	Extra       map[string]any `json:"-" wire:"*"`
	Links       self           `json:"-" wire:"links"`
}

type consumerOut struct {
	Consumer consumer `wire:"consumer"`
}

type consumerBody struct {
	ID       string          `path:"id"`
	Consumer json.RawMessage `json:"consumer"`
}

func consumerOf(c *rest.Call, k *keystone.Consumer) consumer {
	return consumer{ID: k.ID, Description: k.Description, Extra: k.Extra, Links: link(c, "OS-OAUTH1/consumers", k.ID)}
}

func (a *API) listConsumers(c *rest.Call, _ struct{}) (listing.Page[consumer], error) {
	page, err := a.id.Consumers(c.Context(), c.List)
	return listing.Map(page, func(k *keystone.Consumer) consumer { return consumerOf(c, k) }), err
}

func (a *API) createConsumer(c *rest.Call, in consumerBody) (consumerOut, error) {
	var w consumer
	if err := merge(in.Consumer, &w); err != nil {
		return consumerOut{}, err
	}
	k := &keystone.Consumer{Description: w.Description, Extra: w.Extra}
	err := a.id.CreateConsumer(c.Context(), k)
	out := consumerOf(c, k)
	out.Secret = k.Secret
	return consumerOut{out}, err
}

func (a *API) showConsumer(c *rest.Call, in idIn) (consumerOut, error) {
	k, err := a.id.Consumer(c.Context(), in.ID)
	if err != nil {
		return consumerOut{}, err
	}
	return consumerOut{consumerOf(c, k)}, nil
}

func (a *API) updateConsumer(c *rest.Call, in consumerBody) (consumerOut, error) {
	k, err := a.id.UpdateConsumer(c.Context(), in.ID, func(k *keystone.Consumer) error {
		w := consumerOf(c, k)
		err := merge(in.Consumer, &w)
		k.Description, k.Extra = w.Description, w.Extra
		return err
	})
	if err != nil {
		return consumerOut{}, err
	}
	return consumerOut{consumerOf(c, k)}, nil
}

func (a *API) deleteConsumer(c *rest.Call, in idIn) error {
	return a.id.DeleteConsumer(c.Context(), in.ID)
}
