package main

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// backend is a booking backend that takes what it is told, or, for a while,
// does not.
type backend struct {
	server *http.Server
	base   string

	mu      sync.Mutex
	taken   map[string]int // messages, by order
	refuses map[string]int // still to be refused, by order
}

func newBackend() (*backend, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &backend{base: "http://" + l.Addr().String(), taken: map[string]int{}, refuses: map[string]int{}}
	b.server = &http.Server{Handler: b, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = b.server.Serve(l) }() // ends in close
	return b, nil
}

func (b *backend) close() error { return b.server.Close() }

func (b *backend) url(order string) string { return b.base + "/" + order }

// ServeHTTP takes a callback at /<order>.
func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	order := strings.TrimPrefix(r.URL.Path, "/")
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuses[order] > 0 {
		b.refuses[order]--
		http.Error(w, "busy", http.StatusServiceUnavailable)
		return
	}
	b.taken[order]++
	w.WriteHeader(http.StatusNoContent)
}

func (b *backend) refuse(order string, times int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuses[order] = times
}

func (b *backend) told(order string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.taken[order]
}
