package api

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// readyTimeout bounds how long the parts are waited for.
const readyTimeout = 2 * time.Second

// healthy says that the process serves; it asks nobody.
func (s *server) healthy(w http.ResponseWriter, _ *http.Request) {
	s.status(w, http.StatusOK, map[string]string{"status": "ok"})
}

// ready says whether a request could be served: the database and the engine
// are reached.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	var books, engine error
	var both sync.WaitGroup
	both.Go(func() { books = s.books.Ping(ctx) })
	both.Go(func() { engine = s.engine.Ping(ctx) })
	both.Wait()
	code, word := http.StatusOK, "ready"
	if books != nil || engine != nil {
		code, word = http.StatusServiceUnavailable, "not ready"
		w.Header().Set("Retry-After", "2")
	}
	s.status(w, code, map[string]string{"status": word, "database": reached(books), "engine": reached(engine)})
}

func reached(err error) string {
	if err != nil {
		return "unreachable"
	}
	return "ok"
}

func (s *server) status(w http.ResponseWriter, code int, v map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the prober may be gone: nothing to do about it
}
