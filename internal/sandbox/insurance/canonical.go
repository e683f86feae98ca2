package insurance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds nesting, since canonical form is built by recursion.
const maxDepth = 32

// decodeObject reads one JSON object and keeps numbers as they were written:
// 10.50 must be signed as 10.50. A repeated name is refused, since two readers
// may take different ones.
func decodeObject(raw []byte) (map[string]any, error) {
	if !utf8.Valid(raw) || !json.Valid(raw) {
		return nil, errors.New("reading JSON: not JSON in UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	value, err := decodeValue(d, 0)
	if err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("reading JSON: not an object")
	}
	return object, nil
}

func decodeValue(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("nested too deeply")
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		object := map[string]any{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			key, ok := name.(string)
			if !ok {
				return nil, errors.New("a name is not a string")
			}
			if _, twice := object[key]; twice {
				return nil, errors.New("a name twice in one object")
			}
			if object[key], err = decodeValue(d, depth+1); err != nil {
				return nil, err
			}
		}
		_, err := d.Token()
		return object, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			item, err := decodeValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err := d.Token()
		return list, err
	}
	return token, nil
}

// prune drops null, "", {} and [] at every depth, from the inside out, so an
// object of nothing but empty values is dropped too. The second result is
// false when nothing is left.
func prune(value any) (any, bool) {
	switch v := value.(type) {
	case nil:
		return nil, false
	case string:
		return v, v != ""
	case map[string]any:
		kept := make(map[string]any, len(v))
		for name, item := range v {
			if item, ok := prune(item); ok {
				kept[name] = item
			}
		}
		return kept, len(kept) > 0
	case []any:
		kept := make([]any, 0, len(v))
		for _, item := range v {
			if item, ok := prune(item); ok {
				kept = append(kept, item)
			}
		}
		return kept, len(kept) > 0
	default:
		return v, true
	}
}

// appendCanonical writes compact JSON with the names of every object in ASCII
// order. Only what JSON must escape is escaped: &, < and > stay as they are,
// as the platforms' own library writes them.
func appendCanonical(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...), nil
	case string:
		return appendString(b, v), nil
	case bool:
		if v {
			return append(b, "true"...), nil
		}
		return append(b, "false"...), nil
	case json.Number:
		return append(b, v...), nil
	case map[string]any:
		b = append(b, '{')
		for i, name := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, name), ':')
			var err error
			if b, err = appendCanonical(b, v[name]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = appendCanonical(b, item); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	default:
		return nil, fmt.Errorf("canonical form: no rule for %T", value)
	}
}

func appendString(b []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			if c < 0x20 {
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			} else {
				b = append(b, c)
			}
		}
	}
	return append(b, '"')
}

// stringToSign makes the text that SM2 signs from the fields of an envelope
// (with the plain data under "data"): without signData and encData, empty
// values dropped at every depth, sorted by name, k=v joined by &, an object or
// list as canonical JSON, and the application's secret last.
func stringToSign(fields map[string]any, appSecret string) (string, error) {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name == "signData" || name == "encData" {
			continue
		}
		value, ok := prune(fields[name])
		if !ok {
			continue
		}
		text, isString := value.(string)
		if !isString {
			canonical, err := appendCanonical(nil, value)
			if err != nil {
				return "", err
			}
			text = string(canonical)
		}
		b.WriteString(name)
		b.WriteByte('=')
		b.WriteString(text)
		b.WriteByte('&')
	}
	b.WriteString("key=")
	b.WriteString(appSecret)
	return b.String(), nil
}
