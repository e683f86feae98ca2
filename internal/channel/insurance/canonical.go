package insurance

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// object is a JSON object with numbers kept as they were written.
type object = map[string]any

// maxMessage bounds a message from outside, in bytes.
const maxMessage = 512 << 10

var errJSON = errors.New("not a JSON object")

// decode reads one JSON object and nothing after it. Its error tells nothing
// of the content, which may be personal.
func decode(b []byte) (object, error) {
	if len(b) > maxMessage {
		return nil, errJSON
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var o object
	if err := d.Decode(&o); err != nil || o == nil {
		return nil, errJSON
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errJSON
	}
	return o, nil
}

// prune drops null, "", {} and [] at every depth, from the inside out. The
// second result is false when nothing is left. Its argument is not changed.
func prune(v any) (any, bool) {
	switch v := v.(type) {
	case nil:
		return nil, false
	case string:
		return v, v != ""
	case object:
		out := make(object, len(v))
		for k, e := range v {
			if kept, ok := prune(e); ok {
				out[k] = kept
			}
		}
		return out, len(out) > 0
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			if kept, ok := prune(e); ok {
				out = append(out, kept)
			}
		}
		return out, len(out) > 0
	}
	return v, true
}

// quote makes strings of the numbers and booleans in a pruned value.
func quote(v any) any {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	case object:
		out := make(object, len(v))
		for k, e := range v {
			out[k] = quote(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = quote(e)
		}
		return out
	}
	return v
}

// compact is JSON with sorted keys and nothing escaped that need not be.
func compact(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", errJSON
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// unsigned names the fields of an envelope that its signature does not cover.
// "extra" is among them in the platform's development kit; nothing is read
// from it here.
func unsigned(name string) bool {
	return name == "signData" || name == "encData" || name == "extra"
}

// signText is what an envelope's signature is made over: its fields, with data
// in the plain, sorted by name as k=v, and the secret last.
func signText(envelope object, secret string) (string, error) {
	pruned, _ := prune(envelope)
	fields, _ := pruned.(object)
	keys := make([]string, 0, len(fields))
	for k := range fields {
		if !unsigned(k) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var b strings.Builder
	for _, k := range keys {
		s, ok := fields[k].(string)
		if !ok {
			var err error
			if s, err = compact(fields[k]); err != nil {
				return "", err
			}
		}
		b.WriteString(k + "=" + s + "&")
	}
	b.WriteString("key=" + secret)
	return b.String(), nil
}
