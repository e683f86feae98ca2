package unionpay

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// fields is an ACP message: names and values, each name once.
type fields map[string]string

// Bounds of a message from outside. A certificate in PEM is about 2 KB and is
// the largest field that ACP sends.
const (
	maxBody   = 64 << 10
	maxFields = 200
)

var (
	errForm      = errors.New("not an ACP message")
	errDuplicate = errors.New("an ACP message with a repeated field")
)

// canonical is what a signature is made over: the non-empty fields but the
// signature itself, sorted by name, as k=v joined by &, nothing escaped.
func (f fields) canonical() string {
	keys := make([]string, 0, len(f))
	for k, v := range f {
		if v != "" && k != "signature" {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var b strings.Builder
	for i, k := range keys {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(k)
		b.WriteByte('=')
		b.WriteString(f[k])
	}
	return b.String()
}

// encode makes the body of a request.
func (f fields) encode() string {
	v := make(url.Values, len(f))
	for k, s := range f {
		if s != "" {
			v.Set(k, s)
		}
	}
	return v.Encode()
}

// parseReply reads the body of a reply. The gateway answers k=v&k=v with
// nothing escaped: the certificate stands there with its line breaks, texts in
// plain UTF-8. A body that is properly URL-encoded is read as such; it can be
// told apart since it has neither spaces, line breaks nor bytes above ASCII,
// and a signed reply always has them.
func parseReply(body string) (fields, error) {
	body = strings.Trim(body, "\r\n")
	if strings.ContainsFunc(body, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return parsePlain(body)
	}
	return parseEncoded(body)
}

// parseEncoded reads an application/x-www-form-urlencoded body, which is what
// notifications are.
func parseEncoded(body string) (fields, error) {
	if len(body) > maxBody || strings.Count(body, "&") >= maxFields {
		return nil, errForm
	}
	values, err := url.ParseQuery(body)
	if err != nil || len(values) == 0 {
		return nil, errForm
	}
	f := make(fields, len(values))
	for k, vs := range values {
		if k == "" {
			return nil, errForm
		}
		if len(vs) != 1 {
			return nil, errDuplicate
		}
		f[k] = vs[0]
	}
	return f, nil
}

// parsePlain reads an unescaped body. A value in braces or brackets is a
// message of its own and may hold & and =.
func parsePlain(body string) (fields, error) {
	if len(body) > maxBody {
		return nil, errForm
	}
	f := fields{}
	for body != "" {
		var pair string
		pair, body = cutPair(body)
		k, v, ok := strings.Cut(pair, "=")
		if !ok || k == "" || len(f) >= maxFields {
			return nil, errForm
		}
		if _, twice := f[k]; twice {
			return nil, errDuplicate
		}
		f[k] = v
	}
	if len(f) == 0 {
		return nil, errForm
	}
	return f, nil
}

func cutPair(s string) (pair, rest string) {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '{', '[':
			// Also in a text, as in "成功[0000000]", where it is closed again. One
			// that is not closed swallows the rest, and the signature then fails.
			depth++
		case '}', ']':
			if depth > 0 {
				depth--
			}
		case '&':
			if depth == 0 {
				return s[:i], s[i+1:]
			}
		}
	}
	return s, ""
}
