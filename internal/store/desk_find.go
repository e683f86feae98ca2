package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lib/pq"
)

const (
	mostFound    = 20
	longestAsked = 80 // bytes; the channels' own numbers have up to 64
)

// selectFound looks each table up by its own number: every part is one look into
// an index, however many payments there are.
const selectFound = `
SELECT p.id FROM payments p JOIN (
    SELECT payment_id AS id FROM requests WHERE order_no = ANY ($1::text[])
    UNION SELECT id FROM payments WHERE id = ANY ($1::text[])
    UNION SELECT id FROM payments WHERE voucher_code <> '' AND voucher_code = ANY ($1::text[])
    UNION SELECT payment_id FROM attempts WHERE merchant_no = ANY ($1::text[])
    UNION SELECT payment_id FROM captures WHERE channel_no <> '' AND channel_no = ANY ($1::text[])
    UNION SELECT payment_id FROM refunds WHERE refund_no = ANY ($1::text[])) AS found ON found.id = p.id
 WHERE ('*' = ANY ($2::text[]) OR p.hospital_id = ANY ($2::text[]))
 ORDER BY p.created_at DESC, p.id DESC LIMIT $3`

// FindPayments finds payments by a number that somebody reads out: of the
// order, the voucher, a charge or a refund at its channel (our own number or,
// of a charge, the channel's), or the payment's id. It has to be the whole
// number; spaces, dashes, case and the width of characters are forgiven. The
// newest is first, of at most twenty.
func (s *Store) FindPayments(ctx context.Context, hospitals []string, text string) ([]View, error) {
	ids, err := s.findIDs(ctx, hospitals, text)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return s.views(ctx, `WHERE p.id = ANY ($1::text[])`, pq.StringArray(ids))
}

func (s *Store) findIDs(ctx context.Context, hospitals []string, text string) ([]string, error) {
	numbers := spellings(text)
	if len(numbers) == 0 {
		return nil, nil
	}
	var ids []string
	err := s.db.SelectContext(ctx, &ids, selectFound, pq.StringArray(numbers), pq.StringArray(nonNil(hospitals)), mostFound)
	if err != nil {
		return nil, fmt.Errorf("find payments: %w", err)
	}
	return ids, nil
}

// spellings are the numbers that a person may mean by what they typed, often
// with a Chinese input method, whose characters are wide. Order numbers are
// kept as the booking backend writes them, in whatever case.
func spellings(text string) []string {
	if len(text) > 3*longestAsked { // a wide character has three bytes
		return nil
	}
	plain := strings.TrimSpace(strings.Map(narrow, text))
	if plain == "" || len(plain) > longestAsked || strings.ContainsRune(plain, 0) {
		return nil
	}
	joined := strings.NewReplacer(" ", "", "-", "").Replace(plain)
	all := []string{plain, joined, strings.ToUpper(plain), strings.ToUpper(joined), strings.ToLower(plain), strings.ToLower(joined)}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	slices.Sort(all)
	return slices.Compact(all)
}

// narrow makes a full-width form of an ASCII character (U+FF01 to U+FF5E) that
// character, and the ideographic space a space.
func narrow(r rune) rune {
	switch {
	case r >= 0xFF01 && r <= 0xFF5E:
		return r - 0xFF01 + '!'
	case r == 0x3000 || r == '\t':
		return ' '
	case r == 0xFFFD:
		return -1 // what was no UTF-8, which the database would refuse
	}
	return r
}
