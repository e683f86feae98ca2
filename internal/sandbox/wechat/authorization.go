package wechat

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// authorization is what a merchant's Authorization header says.
type authorization struct {
	mchid, nonce, signature, serial string
	timestamp                       int64
}

const authScheme = "WECHATPAY2-SHA256-RSA2048"

var errAuthorization = errors.New("malformed Authorization")

// authPair is key="value"; values have no quotes or backslashes in them.
var authPair = regexp.MustCompile(`^\s*([a-z_]+)="([^"\\]*)"\s*$`)

// parseAuthorization reads `WECHATPAY2-SHA256-RSA2048 mchid="…",nonce_str="…",
// signature="…",timestamp="…",serial_no="…"`, in any order, each once.
func parseAuthorization(header string) (authorization, error) {
	scheme, rest, found := strings.Cut(header, " ")
	if !found || scheme != authScheme || len(header) > 4096 {
		return authorization{}, errAuthorization
	}
	values := map[string]string{}
	for pair := range strings.SplitSeq(rest, ",") {
		match := authPair.FindStringSubmatch(pair)
		if match == nil {
			return authorization{}, errAuthorization
		}
		if _, twice := values[match[1]]; twice {
			return authorization{}, errAuthorization
		}
		values[match[1]] = match[2]
	}
	a := authorization{mchid: values["mchid"], nonce: values["nonce_str"], signature: values["signature"], serial: values["serial_no"]}
	timestamp, err := strconv.ParseInt(values["timestamp"], 10, 64)
	if err != nil || a.mchid == "" || a.nonce == "" || a.signature == "" || a.serial == "" || len(a.nonce) > 128 {
		return authorization{}, errAuthorization
	}
	a.timestamp = timestamp
	return a, nil
}

// clockWindow is how far a request's timestamp may be from the platform's clock.
const clockWindow = 5 * time.Minute

// nonceMemory knows the nonces that were used while their timestamps could
// still be accepted. Its owner guards it.
type nonceMemory struct {
	seen  map[string]nonceUse
	swept time.Time
}

type nonceUse struct {
	signature string
	safe      bool
	at        time.Time
}

func newNonceMemory() nonceMemory { return nonceMemory{seen: map[string]nonceUse{}} }

// use reports whether the nonce may be used now. A safe request (GET) may come
// again unchanged, since an HTTP transport repeats those by itself when a
// connection breaks (RFC 9110, 9.2.2); anything else is a replay.
func (n *nonceMemory) use(mchid, nonce, signature string, safe bool, now time.Time) bool {
	if now.Sub(n.swept) > clockWindow {
		for key, use := range n.seen {
			if now.Sub(use.at) > 2*clockWindow {
				delete(n.seen, key)
			}
		}
		n.swept = now
	}
	key := mchid + "\n" + nonce
	if before, used := n.seen[key]; used {
		return safe && before.safe && before.signature == signature
	}
	n.seen[key] = nonceUse{signature: signature, safe: safe, at: now}
	return true
}
