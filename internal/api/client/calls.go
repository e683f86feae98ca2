package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// wholePage is the most that the API puts on a page.
const wholePage = "50"

// get and post say which calls may be sent again when nothing is known of
// them: every reading one, and of the others those that the API takes twice
// for once.
func get(path string) request { return request{http.MethodGet, path, nil, true} }

func post(path string, body any, repeat bool) request {
	return request{http.MethodPost, path, body, repeat}
}

// of is the path of a payment, or of something of it.
func of(id, what string) string { return "/v1/payments/" + url.PathEscape(id) + what }

func replayed(h http.Header) bool { return h.Get("Idempotent-Replayed") == "true" }

// Start starts a payment. again says that it was there before.
func (c *Client) Start(ctx context.Context, s wire.Start) (a wire.Answer, again bool, err error) {
	h, err := c.call(ctx, post("/v1/payments", s, true), &a)
	return a, replayed(h), err
}

// Payment reads a payment; refresh has the channel asked when the patient may
// have paid.
func (c *Client) Payment(ctx context.Context, id string, refresh bool) (p wire.Payment, err error) {
	query := ""
	if refresh {
		query = "?refresh=true"
	}
	_, err = c.call(ctx, get(of(id, query)), &p)
	return p, err
}

// Search is what payments are found by; empty members select everything.
type Search struct {
	Hospital, OrderNo string
	Status            payment.Status
	Cursor            string
	Limit             int
}

// Payments finds payments, newest first.
func (c *Client) Payments(ctx context.Context, s Search) (p wire.Page, err error) {
	q := query("hospital_id", s.Hospital, "order_no", s.OrderNo, "status", string(s.Status), "cursor", s.Cursor)
	if s.Limit > 0 {
		q.Set("limit", strconv.Itoa(s.Limit))
	}
	_, err = c.call(ctx, get("/v1/payments?"+q.Encode()), &p)
	return p, err
}

// Timeline reads what happened to a payment.
func (c *Client) Timeline(ctx context.Context, id string) (t wire.Timeline, err error) {
	_, err = c.call(ctx, get(of(id, "/timeline")), &t)
	return t, err
}

// Voucher reads a payment's voucher.
func (c *Client) Voucher(ctx context.Context, id string) (v wire.Voucher, err error) {
	_, err = c.call(ctx, get(of(id, "/voucher")), &v)
	return v, err
}

// VoucherPicture is the voucher as "png" or "svg".
func (c *Client) VoucherPicture(ctx context.Context, id, format string) ([]byte, error) {
	_, picture, err := c.send(ctx, get(of(id, "/voucher?"+query("format", format).Encode())))
	return picture, err
}

// Verify starts a verification, or answers one that was started. It is not
// repeated by itself: each start sends a code, and each answer counts.
func (c *Client) Verify(ctx context.Context, id string, v wire.Verification) (out wire.Verified, err error) {
	_, err = c.call(ctx, post(of(id, "/verification"), v, false), &out)
	return out, err
}

// ChangeMethod lets the patient pay otherwise. It is not repeated by itself:
// each change is one attempt more.
func (c *Client) ChangeMethod(ctx context.Context, id string, choice wire.Choice) (a wire.Answer, err error) {
	_, err = c.call(ctx, post(of(id, "/method"), choice, false), &a)
	return a, err
}

// Cancel ends a payment. It is not repeated by itself: what was cancelled
// already may be refused.
func (c *Client) Cancel(ctx context.Context, id string, why wire.Cancel) (a wire.Answer, err error) {
	_, err = c.call(ctx, post(of(id, "/cancel"), why, false), &a)
	return a, err
}

// Refund returns money. again says that this key was used before.
func (c *Client) Refund(ctx context.Context, id string, o wire.RefundOrder) (r wire.Refunds, again bool, err error) {
	h, err := c.call(ctx, post(of(id, "/refunds"), o, true), &r)
	return r, replayed(h), err
}

// Refunds reads a payment's refunds.
func (c *Client) Refunds(ctx context.Context, id string) (r wire.Refunds, err error) {
	_, err = c.call(ctx, get(of(id, "/refunds")), &r)
	return r, err
}

// Reviews lists open cases, of one hospital or, when it is empty, of all that
// the key is for, in the longest pages that there are.
func (c *Client) Reviews(ctx context.Context, hospital, cursor string) (r wire.Reviews, err error) {
	_, err = c.call(ctx, get("/v1/reviews?"+query("hospital_id", hospital, "cursor", cursor, "limit", wholePage).Encode()), &r)
	return r, err
}

// Decide decides a case; it needs a staff key. It is not repeated by itself: a
// second decision on a case that the first one closed is refused.
func (c *Client) Decide(ctx context.Context, id string, d wire.Decision) (r wire.Decided, err error) {
	_, err = c.call(ctx, post(of(id, "/review"), d, false), &r)
	return r, err
}

// query makes the query of name, value, … pairs, without the empty ones.
func query(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}
