package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"

	"github.com/regpay/regpay/deploy/bench/result"
)

// JSON writes a run, as its types say, with the targets under "reach". A figure
// that is no number (JSON has none such, and would refuse the whole run for it)
// is written as null, which reads back as zero.
func JSON(w io.Writer, r result.Run) error {
	whole, ok := plain(reflect.ValueOf(r)).(object)
	if !ok {
		return fmt.Errorf("write the run as JSON: it is no object")
	}
	whole = append(whole, member{"reach", Reach(r)})
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(whole); err != nil {
		return fmt.Errorf("write the run as JSON: %w", err)
	}
	return nil
}

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:", m.name)
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(m.value); err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// plain is a value of package result as encoding/json would write it, except
// that what is no number becomes nil. It knows what that package has: structs
// with json tags, slices, maps by string, numbers, text, and whatever marshals
// itself.
func plain(v reflect.Value) any {
	if _, ok := v.Interface().(json.Marshaler); ok {
		return v.Interface()
	}
	switch v.Kind() {
	case reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil
		}
	case reflect.Struct:
		o := object{}
		for i := range v.NumField() {
			name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			if options == "omitempty" && empty(v.Field(i)) {
				continue
			}
			o = append(o, member{name, plain(v.Field(i))})
		}
		return o
	case reflect.Slice:
		all := make([]any, v.Len())
		for i := range all {
			all[i] = plain(v.Index(i))
		}
		return all
	case reflect.Map:
		all := map[string]any{}
		for _, k := range v.MapKeys() {
			all[k.String()] = plain(v.MapIndex(k))
		}
		return all
	}
	return v.Interface()
}

// empty is what omitempty leaves out.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Struct:
		return false
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	default:
		return v.IsZero()
	}
}
