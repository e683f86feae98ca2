package dbosarm

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/privacy"
	"github.com/regpay/regpay/workflows"
)

// sealer is DBOS' serializer here: JSON, sealed with the installation's active
// key. DBOS uses it for inputs, outcomes of steps, events and messages, and asks
// of it to bring values back in their own types, so the type's name goes with
// the value. It is immutable and safe for concurrent use.
type sealer struct {
	keys  *privacy.Keyring
	types map[string]reflect.Type
}

var _ dbos.Serializer[any] = (*sealer)(nil)

const (
	format = "regpay_sealed_json"
	// nothing stands for nil, which needs no seal.
	nothing = "nil"
)

func newSealer(keys *privacy.Keyring) *sealer {
	s := &sealer{keys: keys, types: map[string]reflect.Type{}}
	for _, v := range []any{
		order{}, begun{}, notice{}, workflows.Result{},
		activities.OpenOut{}, activities.ChargeOut{}, activities.SettleOut{}, activities.RegisterOut{}, activities.None{},
		int64(0), // the deadline of a wait, DBOS' own
	} {
		t := reflect.TypeOf(v)
		s.types[t.String()] = t
	}
	return s
}

// Name is kept with every value.
func (*sealer) Name() string { return format }

// Encode refuses types that Decode would not know.
func (s *sealer) Encode(v any) (*string, error) {
	text := nothing
	if v == nil {
		return &text, nil
	}
	name := reflect.TypeOf(v).String()
	if _, known := s.types[name]; !known {
		return nil, fmt.Errorf("seal a value of the type %s, which is not known here", name)
	}
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("seal a value: %w", err)
	}
	sealed, err := s.keys.Seal(append([]byte(name+"\n"), plain...), []byte(format))
	if err != nil {
		return nil, err
	}
	text = base64.StdEncoding.EncodeToString(sealed)
	return &text, nil
}

// Decode brings a value back in its own type. No text at all is nil: the
// outcome of a step that has an error alone.
func (s *sealer) Decode(text *string) (any, error) {
	if text == nil || *text == nothing {
		return nil, nil
	}
	sealed, err := base64.StdEncoding.DecodeString(*text)
	if err != nil {
		return nil, fmt.Errorf("open a sealed value: %w", err)
	}
	plain, err := s.keys.Open(sealed, []byte(format))
	if err != nil {
		return nil, err
	}
	name, value, _ := bytes.Cut(plain, []byte("\n"))
	t, known := s.types[string(name)]
	if !known {
		return nil, fmt.Errorf("open a sealed value of the type %s, which is not known here", name)
	}
	v := reflect.New(t)
	if err := json.Unmarshal(value, v.Interface()); err != nil {
		return nil, fmt.Errorf("open a sealed %s: not its JSON", name) // what it is instead may be personal
	}
	return v.Elem().Interface(), nil
}
