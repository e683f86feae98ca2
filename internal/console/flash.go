package console

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
)

// A flash is a message that is shown once, on the page that follows a redirect.
type flash struct {
	Good bool
	Text string
}

// flashMessage is a flash on its way: the word and what goes into it.
type flashMessage struct {
	Good bool      `json:"g,omitempty"`
	Key  string    `json:"k"`
	Args arguments `json:"a,omitempty"`
}

// arguments are texts and whole numbers, and stay what they are in JSON.
type arguments []any

func (a *arguments) UnmarshalJSON(raw []byte) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var all []any
	if err := dec.Decode(&all); err != nil {
		return err
	}
	for i, v := range all {
		if n, ok := v.(json.Number); ok {
			whole, err := n.Int64()
			if err != nil {
				return err
			}
			all[i] = whole
		}
	}
	*a = all
	return nil
}

// good and bad make a message for page.redirect. Arguments are texts and whole
// numbers. They travel in a cookie that is signed and not sealed, so nothing of
// a patient is among them; the name of a colleague, whom the page names as well,
// can be.
func good(key string, args ...any) flashMessage {
	return flashMessage{Good: true, Key: key, Args: args}
}
func bad(key string, args ...any) flashMessage { return flashMessage{Key: key, Args: args} }

const (
	flashLife = 2 * time.Minute
	// flashText is how much of a text argument is kept, in characters: a cookie
	// has some 4000 bytes.
	flashText = 100
)

// keepFlash sends messages to the next page of the same session.
func (s *server) keepFlash(w http.ResponseWriter, bound []byte, all []flashMessage) {
	for i := range all {
		for k, arg := range all[i].Args {
			if text, ok := arg.(string); ok {
				all[i].Args[k] = cut(text, flashText)
			}
		}
	}
	value, err := s.sign("flash", bound, all, s.now().Add(flashLife))
	if err != nil || len(value) > 3500 {
		return // a message is lost; what it tells of was done
	}
	s.setCookie(w, cookieFlash, value, flashLife)
}

// takeFlash reads the messages for a page and ends them.
func (s *server) takeFlash(w http.ResponseWriter, r *http.Request, bound []byte, l Language) []flash {
	value := s.cookie(r, cookieFlash)
	if value == "" {
		return nil
	}
	s.dropCookie(w, cookieFlash)
	var all []flashMessage
	if !s.signed("flash", bound, value, &all) {
		return nil
	}
	out := make([]flash, len(all))
	for i, m := range all {
		out[i] = flash{Good: m.Good, Text: say(l, m.Key, m.Args...)}
	}
	return out
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
