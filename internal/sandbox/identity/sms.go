package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/regpay/regpay/internal/sandbox"
)

// maxSkew is how far a sender's clock may be from the gateway's.
const maxSkew = 5 * time.Minute

// message is a request of the gateway.
type message struct {
	Account  string            `json:"account"`
	To       string            `json:"to"`
	Template string            `json:"template"`
	Params   map[string]string `json:"params"`
	Ref      string            `json:"ref"`
}

// smsRefusal is an answer other than 200; its message shows no value of the request.
type smsRefusal struct {
	status        int
	code, message string
	retryAfter    time.Duration
}

func (r *smsRefusal) Error() string { return r.code + ": " + r.message }

func badRequest(message string) *smsRefusal {
	return &smsRefusal{status: http.StatusBadRequest, code: "BAD_REQUEST", message: message}
}

func refuseMessage(w http.ResponseWriter, r *smsRefusal) {
	if r.retryAfter > 0 {
		seconds := int64(math.Ceil(r.retryAfter.Seconds()))
		w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	sandbox.WriteJSON(w, r.status, map[string]string{"code": r.code, "message": r.message})
}

func (s *Server) sendMessage(w http.ResponseWriter, r *http.Request) {
	id, refusal := s.acceptMessage(r)
	if refusal != nil {
		refuseMessage(w, refusal)
		return
	}
	sandbox.WriteJSON(w, http.StatusOK, map[string]string{"message_id": id})
}

// acceptMessage authenticates a request before it says anything about its content.
func (s *Server) acceptMessage(r *http.Request) (id string, refusal *smsRefusal) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return "", &smsRefusal{status: http.StatusUnsupportedMediaType, code: "BAD_REQUEST", message: "the Content-Type must be application/json"}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", badRequest("the body could not be read")
	}
	var sender struct {
		Account string `json:"account"`
	}
	if json.Unmarshal(body, &sender) != nil {
		return "", badRequest("the body is not JSON of the right shape")
	}
	known, ok := s.smsAccount(sender.Account)
	stamp := r.Header.Get("X-Timestamp")
	if !ok || !signed(known.smsKey, stamp, body, r.Header.Get("X-Signature")) {
		return "", &smsRefusal{status: http.StatusUnauthorized, code: "BAD_SIGNATURE", message: "the account or the signature is wrong"}
	}
	if !fresh(stamp, s.gateway.now()) {
		return "", &smsRefusal{status: http.StatusUnauthorized, code: "STALE_TIMESTAMP", message: "X-Timestamp is more than five minutes off"}
	}
	m, refusal := s.gateway.rules.parseMessage(body)
	if refusal != nil {
		return "", refusal
	}
	return s.gateway.send(known.hospital, m)
}

// signed reports whether signature is that of the timestamp and the body under key.
func signed(key []byte, timestamp string, body []byte, signature string) bool {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(timestamp))
	mac.Write([]byte("\n"))
	mac.Write(body)
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

func fresh(timestamp string, now time.Time) bool {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return false
	}
	// Compared as seconds: a duration of a far time would overflow.
	off := seconds - now.Unix()
	limit := int64(maxSkew / time.Second)
	return seconds > 0 && off <= limit && off >= -limit
}

// messageRules are the forms that the gateway demands.
type messageRules struct {
	mainland, abroad, template, ref, code *regexp.Regexp
}

func newMessageRules() messageRules {
	return messageRules{
		mainland: regexp.MustCompile(`^(\+86)?(1[3-9]\d{9})$`),
		abroad:   regexp.MustCompile(`^\+([1-79]\d|8[0-57-9])\d{5,13}$`), // E.164 without +86
		template: regexp.MustCompile(`^[0-9A-Za-z_.-]{1,64}$`),
		ref:      regexp.MustCompile(`^[0-9A-Za-z_.:/-]{1,128}$`),
		code:     regexp.MustCompile(`^\d{4,8}$`),
	}
}

// parseMessage reads a message; its To is E.164, so that a number has one form for the limits.
func (rules messageRules) parseMessage(body []byte) (message, *smsRefusal) {
	var m message
	if err := decodeStrict(body, &m); err != nil {
		return message{}, badRequest(err.Error())
	}
	switch {
	case !rules.template.MatchString(m.Template):
		return message{}, badRequest("template is missing or malformed")
	case !rules.ref.MatchString(m.Ref):
		return message{}, badRequest("ref is missing or malformed")
	case !rules.code.MatchString(m.Params["code"]):
		return message{}, badRequest("params.code must be 4 to 8 digits")
	}
	for _, value := range m.Params {
		if len(value) > 128 {
			return message{}, badRequest("a parameter is too long")
		}
	}
	if parts := rules.mainland.FindStringSubmatch(m.To); parts != nil {
		m.To = "+86" + parts[2]
	} else if !rules.abroad.MatchString(m.To) {
		return message{}, &smsRefusal{status: http.StatusBadRequest, code: "BAD_PHONE", message: "to is not a mobile number"}
	}
	return m, nil
}

// digest identifies a message's content, whatever the order of its JSON.
func (m message) digest() ([sha256.Size]byte, error) {
	canonical, err := json.Marshal(m)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("write the message: %w", err)
	}
	return sha256.Sum256(canonical), nil
}
