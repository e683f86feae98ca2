// Package audit makes tamper-evident logs: every record carries the hash of the
// one before it and a hash of its own over both, so that nobody can alter,
// insert, drop or reorder records without breaking the chain from there on.
//
// A chain belongs to one subject, for instance a payment, and starts from the
// subject's name, so that a chain cannot be passed off as another's. Whoever
// holds the last hash can tell whether the end was cut off. The hash is SM3.
// The package is pure: the store writes the records in the transaction that
// they tell of (rule I8). Details hold codes, numbers and amounts, never
// personal data (rule I10).
package audit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"
)

// HashSize is the length of a hash in bytes.
const HashSize = sm3.Size

// ErrBroken is what Verify returns, wrapped, for a log that was altered.
var ErrBroken = errors.New("the audit log was altered")

// Record is one line of a log. Seq counts from 1; At is kept to the
// microsecond, in UTC.
type Record struct {
	Subject string
	Seq     int64
	At      time.Time
	Actor   string
	Action  string
	Detail  map[string]string
	Prev    []byte
	Hash    []byte
}

// Head is the end of a chain: how many records it has and the hash of the last.
type Head struct {
	Seq  int64
	Hash []byte
}

// Start is the head of a subject's empty chain.
func Start(subject string) Head {
	sum := sm3.Sum([]byte("regpay audit\x00" + subject))
	return Head{Hash: sum[:]}
}

// Append makes the next record of a chain and its new head. It keeps r's
// content and sets the rest.
func (h Head) Append(r Record) (Record, Head) {
	r.Seq, r.Prev, r.At = h.Seq+1, h.Hash, r.At.UTC().Truncate(time.Microsecond)
	r.Hash = r.sum()
	return r, Head{Seq: r.Seq, Hash: r.Hash}
}

// Verify walks a whole chain and compares its end with head. The error wraps
// ErrBroken and names the first record that does not fit.
func Verify(subject string, records []Record, head Head) error {
	v := NewVerifier(subject)
	for _, r := range records {
		if err := v.Next(r); err != nil {
			return err
		}
	}
	return v.End(head)
}

// Verifier is Verify for a chain that is read piece by piece. It is for one
// goroutine.
type Verifier struct {
	subject string
	at      Head
}

// NewVerifier begins before the first record of a subject's chain.
func NewVerifier(subject string) *Verifier {
	return &Verifier{subject: subject, at: Start(subject)}
}

// Next takes the record that follows. An error ends the walk.
func (v *Verifier) Next(r Record) error {
	switch {
	case r.Subject != v.subject || r.Seq != v.at.Seq+1:
		return fmt.Errorf("%s: record %d is missing or out of order: %w", v.subject, v.at.Seq+1, ErrBroken)
	case !bytes.Equal(r.Prev, v.at.Hash):
		return fmt.Errorf("%s: record %d does not follow the one before: %w", v.subject, r.Seq, ErrBroken)
	case !bytes.Equal(r.Hash, r.sum()):
		return fmt.Errorf("%s: record %d has another content than was written: %w", v.subject, r.Seq, ErrBroken)
	}
	v.at = Head{Seq: r.Seq, Hash: r.Hash}
	return nil
}

// End says that there are no more records, and compares the last with head.
func (v *Verifier) End(head Head) error {
	if v.at.Seq != head.Seq || !bytes.Equal(v.at.Hash, head.Hash) {
		return fmt.Errorf("%s: %d records were written and %d are there, or the last is another: %w",
			v.subject, head.Seq, v.at.Seq, ErrBroken)
	}
	return nil
}

func (r Record) sum() []byte {
	sum := sm3.Sum(append(bytes.Clone(r.Prev), r.Canonical()...))
	return sum[:]
}

// Canonical is the record's content as bytes, the same for the same content
// and different for any other: every field with its length before it, details
// in the order of their keys.
func (r Record) Canonical() []byte {
	b := []byte("1") // the version of this layout
	b = field(b, r.Subject)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(r.At.UnixMicro()))
	b = field(b, r.Actor)
	b = field(b, r.Action)
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.Detail)))
	for _, k := range slices.Sorted(maps.Keys(r.Detail)) {
		b = field(b, k)
		b = field(b, r.Detail[k])
	}
	return b
}

func field(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}
