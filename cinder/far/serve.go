package far

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"stackd/cinder"
)

// Serve answers what Backend asks, of a backend that is here. Who may ask is the caller's
// business.
func Serve(b cinder.Backend) http.Handler {
	mux := http.NewServeMux()
	for method, f := range map[string]func(context.Context, question) (answer, error){
		"capacity": func(ctx context.Context, _ question) (a answer, err error) {
			a.Total, a.Free, err = b.Capacity(ctx)
			return a, err
		},
		"has": func(ctx context.Context, q question) (a answer, err error) {
			a.Size, a.There, err = b.Has(ctx, q.Volume)
			return a, err
		},
		"connect": func(ctx context.Context, q question) (a answer, err error) {
			a.Kind, a.Source, err = b.Connect(ctx, q.Volume, q.Other)
			return a, err
		},
		"disconnect": func(ctx context.Context, q question) (a answer, err error) {
			return a, b.Disconnect(ctx, q.Volume, q.Other)
		},
		"manageable": func(ctx context.Context, q question) (a answer, err error) {
			a.Found, err = b.Manageable(ctx, q.Volume)
			return a, err
		},
		"adopt": func(ctx context.Context, q question) (a answer, err error) {
			a.Size, err = b.Adopt(ctx, q.Other, q.Volume)
			return a, err
		},
		"adopt-snapshot": func(ctx context.Context, q question) (a answer, err error) {
			a.Size, err = b.AdoptSnapshot(ctx, q.Volume, q.Other, q.Snapshot)
			return a, err
		},
	} {
		mux.HandleFunc("POST /"+method, func(w http.ResponseWriter, r *http.Request) { serve(w, r, f) })
	}
	return mux
}

func serve(w http.ResponseWriter, r *http.Request, f func(context.Context, question) (answer, error)) {
	var q question
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&q); err != nil {
		http.Error(w, "a question is wanted", http.StatusBadRequest)
		return
	}
	a, err := f(r.Context(), q)
	if err != nil {
		a = answer{Fault: err.Error()}
	}
	for word, e := range told {
		if errors.Is(err, e) {
			a.Fault = word
		}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(a)
}
