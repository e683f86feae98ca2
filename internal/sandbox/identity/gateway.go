package identity

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// MessageEntry is a text as an outsider reads it in the books: without number and code.
type MessageEntry struct {
	Hospital  string    `json:"hospital"`
	Account   string    `json:"account"`
	Ref       string    `json:"ref"`
	MessageID string    `json:"message_id"`
	Template  string    `json:"template"`
	SentAt    time.Time `json:"sent_at"` // UTC
}

// sentMessage is a text that was sent, with what the patient reads in it.
type sentMessage struct {
	MessageEntry
	params map[string]string
	digest [sha256.Size]byte
}

type refKey struct{ account, ref string }

// numberKey is a number as one account's limits see it.
type numberKey struct{ account, number string }

// gateway sends texts, which is to say that it remembers them.
type gateway struct {
	now   func() time.Time
	rules messageRules

	mu     sync.Mutex
	limits []limit // none when switched off
	byRef  map[refKey]*sentMessage
	order  []*sentMessage
	sent   map[numberKey][]time.Time // oldest first
}

func newGateway(now func() time.Time) *gateway {
	return &gateway{
		now: now, rules: newMessageRules(), limits: numberLimits(),
		byRef: map[refKey]*sentMessage{}, sent: map[numberKey][]time.Time{},
	}
}

// send sends a message once for its ref and returns its id. A refused message leaves no
// trace: its ref is free and it counts towards no limit.
func (g *gateway) send(hospital string, m message) (id string, refusal *smsRefusal) {
	digest, err := m.digest()
	if err != nil {
		return "", badRequest("the message cannot be written")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	key := refKey{m.Account, m.Ref}
	if before, ok := g.byRef[key]; ok {
		if before.digest != digest {
			return "", &smsRefusal{status: http.StatusConflict, code: "REF_CONFLICT", message: "another message was sent under this ref"}
		}
		return before.MessageID, nil
	}
	now, number := g.now(), numberKey{m.Account, m.To}
	if g.limits != nil {
		times := forget(g.limits, g.sent[number], now)
		g.sent[number] = times
		if pause := wait(g.limits, times, now); pause > 0 {
			return "", &smsRefusal{http.StatusTooManyRequests, "RATE_LIMITED", "this number has had too many texts", pause}
		}
		g.sent[number] = append(times, now)
	}
	text := &sentMessage{
		MessageEntry: MessageEntry{
			Hospital: hospital, Account: m.Account, Ref: m.Ref,
			MessageID: fmt.Sprintf("sms-%s-%06d", now.UTC().Format("20060102150405"), len(g.order)+1),
			Template:  m.Template, SentAt: now.UTC(),
		},
		params: m.Params, digest: digest,
	}
	g.byRef[key] = text
	g.order = append(g.order, text)
	return text.MessageID, nil
}

// text returns what was sent under a ref.
func (g *gateway) text(account, ref string) (sentMessage, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	found, ok := g.byRef[refKey{account, ref}]
	if !ok {
		return sentMessage{}, false
	}
	return *found, true // its params are never changed
}

func (g *gateway) entries() []MessageEntry {
	g.mu.Lock()
	defer g.mu.Unlock()
	entries := make([]MessageEntry, 0, len(g.order))
	for _, text := range g.order {
		entries = append(entries, text.MessageEntry)
	}
	return entries
}
