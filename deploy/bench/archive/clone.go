package archive

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/audit"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/privacy"
	"github.com/regpay/regpay/internal/voucher"
)

// clone is a copy of a template: another order of another patient, at another
// hospital and time.
type clone struct {
	*template
	keys *privacy.Keyring
	// index is the store's blind index of a request.
	index func(digest string) string

	hospital, order string
	newID           string
	later           time.Duration
	who             payment.Patient

	head audit.Head
	rows map[string][][]any
}

// cloneOf makes all rows of a copy that was opened at a time.
func cloneOf(t *template, tables []*table, keys *privacy.Keyring, index func(string) string, hospital, order string, at time.Time, who payment.Patient) (map[string][][]any, error) {
	c := &clone{template: t, keys: keys, index: index, hospital: hospital, order: order, newID: payment.ID(hospital, order),
		later: at.Sub(t.at), who: who, rows: make(map[string][][]any, len(tables))}
	for _, tab := range tables { // audit is the first, and payments hold its end
		for n, old := range t.rows[tab.name] {
			row := make([]any, len(old))
			var rec audit.Record
			if tab.name == "audit" {
				rec = c.append(n)
			}
			for i := range old {
				v, err := c.value(tab, old, i, n, rec)
				if err != nil {
					return nil, fmt.Errorf("copy %s of %s: %w", tab.columns[i], tab.name, err)
				}
				row[i] = v
			}
			c.rows[tab.name] = append(c.rows[tab.name], row)
		}
	}
	return c.rows, nil
}

// append hashes the n-th line of the copy's audit log.
func (c *clone) append(n int) audit.Record {
	if n == 0 {
		c.head = audit.Start(c.newID)
	}
	l := c.log[n]
	detail := make(map[string]string, len(l.detail))
	for k, v := range l.detail {
		detail[k] = c.renamed(v)
	}
	var r audit.Record
	r, c.head = c.head.Append(audit.Record{Subject: c.newID, At: l.at.Add(c.later), Actor: l.actor, Action: l.action, Detail: detail})
	return r
}

// value is a column of the n-th row that the copy has in a table.
func (c *clone) value(t *table, old []any, i, n int, rec audit.Record) (any, error) {
	v := old[i]
	if v == nil {
		return nil, nil
	}
	switch t.name + "." + t.columns[i] {
	case "requests.request_sealed":
		return c.seal(c.copied(), "request", c.newID)
	case "requests.request_index":
		return c.index(c.copied().Digest()), nil
	case "requests.patient_index":
		return c.keys.Index("patient", c.hospital+"\x00"+c.who.IDNumber), nil
	case "attempts.charge_sealed":
		return c.charge(t.number(old, "attempt"))
	case "attempts.prepaid_sealed":
		return c.again(t.columns[i], "prepaid", c.id, fmt.Sprint(t.number(old, "attempt")))
	case "cases.note_sealed", "cases.proposal_note_sealed":
		return c.again(t.columns[i], "case note", t.text(old, "id"))
	case "challenges.phone_sealed":
		return c.seal(c.who.Phone, "challenge phone", c.renamed(t.text(old, "id")))
	case "challenges.phone_index":
		return c.keys.Index("phone", c.who.Phone), nil
	case "payments.voucher_code":
		if v == "" {
			return v, nil
		}
		return voucher.NewCode()
	case "payments.audit_head":
		return c.head.Hash, nil
	case "audit.detail":
		return rec.Detail, nil
	case "audit.prev":
		return rec.Prev, nil
	case "audit.hash":
		return rec.Hash, nil
	case "captures.report":
		r := c.reports[n]
		r.MerchantNo, r.ChannelNo, r.CapturedAt = c.renamed(r.MerchantNo), c.renamed(r.ChannelNo), r.CapturedAt.Add(c.later)
		return r, nil
	}
	switch v := v.(type) {
	case time.Time:
		return v.Add(c.later), nil
	case string:
		return c.renamed(v), nil
	}
	return v, nil
}

// renamed puts the copy's numbers in the place of the template's: all numbers
// are made of the order's, or of the payment's id.
func (c *clone) renamed(s string) string {
	o := c.request.Order
	switch {
	case s == o.HospitalID:
		return c.hospital
	case len(s) < len(o.OrderNo):
		return s
	case strings.HasPrefix(s, "payment/"):
		return "payment/" + c.hospital + "/" + c.order
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, c.id, c.newID), o.OrderNo, c.order)
}

// copied is the copy's request.
func (c *clone) copied() payment.Request {
	r := c.request
	r.Order.HospitalID, r.Order.OrderNo, r.Order.Patient = c.hospital, c.order, c.who
	r.Order.Slot.ID, r.Order.Slot.StartsAt = c.renamed(r.Order.Slot.ID), r.Order.Slot.StartsAt.Add(c.later)
	return r
}

func (c *clone) charge(attempt int32) ([]byte, error) {
	ch, o := c.charges[attempt], c.copied().Order
	ch.HospitalID, ch.OrderNo, ch.PaymentID = c.hospital, c.order, c.newID
	ch.MerchantNo, ch.Description = c.renamed(ch.MerchantNo), c.renamed(ch.Description)
	ch.CreatedAt, ch.ExpiresAt = ch.CreatedAt.Add(c.later), ch.ExpiresAt.Add(c.later)
	ch.Slot, ch.Payer = o.Slot, o.Patient
	return c.seal(ch, "charge", c.newID, fmt.Sprint(attempt))
}

// again seals what a template's column holds for the copy's place.
func (c *clone) again(column string, at ...string) ([]byte, error) {
	plain := c.sealed[column+"\x00"+strings.Join(at, "\x00")]
	for i := range at {
		at[i] = c.renamed(at[i])
	}
	return c.keys.Seal(plain, place(at...))
}

func (c *clone) seal(v any, at ...string) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write what is to be sealed: %w", err)
	}
	return c.keys.Seal(b, place(at...))
}
