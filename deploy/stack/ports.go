package stack

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Free ports are picked below the range from which Linux serves outgoing
// connections (32768 upwards), so that no connection can take a port between
// the moment it was picked and the moment its process listens on it. Two
// stacks started at once differ by chance: 12 000 ports for about twenty each.
const lowestPort, highestPort = 20000, 31999

// portPicker hands out free loopback ports, each one once.
type portPicker struct {
	mu    sync.Mutex
	taken map[int]bool
}

// pick answers with wanted if it is free, or with any free port for zero.
func (p *portPicker) pick(what string, wanted int) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken == nil {
		p.taken = make(map[int]bool)
	}
	if wanted != 0 {
		if p.taken[wanted] || !isFree(wanted) {
			return 0, fmt.Errorf("port %d for %s is in use: choose another or leave it out", wanted, what)
		}
		p.taken[wanted] = true
		return wanted, nil
	}
	for range 1000 {
		port := lowestPort + rand.IntN(highestPort-lowestPort+1)
		if !p.taken[port] && isFree(port) {
			p.taken[port] = true
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port for %s from %d to %d", what, lowestPort, highestPort)
}

func isFree(port int) bool {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// loopback is the address of a port on this machine's IPv4 loopback.
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
