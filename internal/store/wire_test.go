package store_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/store"
)

// wire is what lies between a store and its database. It hears what is said:
// PostgreSQL's protocol, as far as the tests need it.
type wire struct {
	listener net.Listener
	target   string

	mu      sync.Mutex
	trips   int      // answers of the database, one for each time it was asked
	refused []string // the codes of what it refused
	before  string   // once, before a statement that has this in it is passed on
	run     func()   // this is run
	lose    bool     // the answer to the next thing that commits is to be lost
}

// newWire leads to a database, and returns the address of its other end.
func newWire(t *testing.T, dsn string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{listener: l, target: u.Host}
	u.Host = l.Addr().String()
	q := u.Query()
	q.Set("sslmode", "disable") // nothing can be heard otherwise
	u.RawQuery = q.Encode()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go w.pass(conn)
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return w, u.String()
}

// overWire is another process on the same books, with a single connection: a
// step that wanted a second one would wait for ever.
func (b *books) overWire(t *testing.T) (*store.Store, *wire) {
	t.Helper()
	w, dsn := newWire(t, b.dsn)
	s, err := store.Open(t.Context(), store.Config{DSN: dsn, Keys: b.keys, MaxConns: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, w
}

// link is one connection.
type link struct {
	*wire
	client, server net.Conn
	mu             sync.Mutex
	idle, lost     bool
}

func (w *wire) pass(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", w.target)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	l := &link{wire: w, client: client, server: server}
	go l.answers()
	from := bufio.NewReader(client)
	if hello, err := message(from, 0); err != nil || write(server, hello) != nil {
		return
	}
	prepared := map[string]string{}
	for {
		m, err := message(from, 1)
		if err != nil {
			return
		}
		text := texts(m)
		switch m[0] {
		case 'P': // Parse: a statement's name and text
			prepared[text[0]] = text[1]
		case 'B': // Bind: a portal, and the statement that is run
			l.statement(prepared[text[1]])
		case 'Q': // Query: a text
			l.statement(text[0])
		}
		if write(server, m) != nil {
			return
		}
	}
}

// statement hears what is about to be run.
func (l *link) statement(text string) {
	l.wire.mu.Lock()
	var run func()
	if l.run != nil && strings.Contains(text, l.before) {
		run, l.run = l.run, nil
	}
	l.mu.Lock()
	if l.lose && (text == "COMMIT" || l.idle && strings.Contains(text, "INSERT INTO")) {
		l.lose, l.lost = false, true
	}
	l.mu.Unlock()
	l.wire.mu.Unlock()
	if run != nil {
		run()
	}
}

// answers passes on what the database says, unless it is to be lost.
func (l *link) answers() {
	defer func() { _ = l.client.Close() }()
	from := bufio.NewReader(l.server)
	for {
		m, err := message(from, 1)
		if err != nil {
			return
		}
		ready := m[0] == 'Z' // ReadyForQuery: all is answered
		l.wire.mu.Lock()
		if ready {
			l.trips++
		}
		if m[0] == 'E' { // ErrorResponse
			for _, field := range texts(m) {
				if code, ok := strings.CutPrefix(field, "C"); ok {
					l.refused = append(l.refused, code)
				}
			}
		}
		l.wire.mu.Unlock()
		l.mu.Lock()
		if ready {
			l.idle = m[5] == 'I'
		}
		lost := l.lost
		l.mu.Unlock()
		if lost && ready {
			return // it is done, and nobody hears of it
		}
		if !lost && write(l.client, m) != nil {
			return
		}
	}
}

// message reads one, with a byte for its kind or, as the first one, without.
func message(from io.Reader, kind int) ([]byte, error) {
	head := make([]byte, kind+4)
	if _, err := io.ReadFull(from, head); err != nil {
		return nil, err
	}
	m := append(head, make([]byte, binary.BigEndian.Uint32(head[kind:])-4)...)
	_, err := io.ReadFull(from, m[len(head):])
	return m, err
}

func texts(m []byte) []string { return strings.Split(string(m[5:]), "\x00") }

func write(to io.Writer, m []byte) error {
	_, err := to.Write(m)
	return err
}

// interrupt runs something once, right before a statement goes to the database
// that has a text in it.
func (w *wire) interrupt(before string, run func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before, w.run = before, run
}

// interrupted says whether that has happened.
func (w *wire) interrupted() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.run == nil
}

// loseAnswer lets the next commit through, waits for the database's word that
// it is done, and cuts the connection instead of passing the word on.
func (w *wire) loseAnswer() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lose = true
}

func (w *wire) answerLost() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.lose
}

// counted returns the round trips since it was asked last.
func (w *wire) counted() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.trips
	w.trips = 0
	return n
}

// refusals are the codes of what the database has refused.
func (w *wire) refusals() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refused
}
