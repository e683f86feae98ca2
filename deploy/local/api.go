package local

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/regpay/regpay/internal/api/client"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// callTimeout is above the API's own limit for one request.
const callTimeout = 70 * time.Second

// API is regpay's own client of its HTTP API with connections of its own,
// enough of them for many payments at once, that sends every call once: who
// plays or tests wants to see each answer. It is safe for concurrent use.
type API struct {
	*client.Client
	http *http.Client
}

// NewAPI makes a client with an API key. The address is the stack's own; it
// panics when that is no URL.
func NewAPI(base, key string) *API {
	h := newHTTP()
	c, err := client.New(client.Config{BaseURL: base, APIKey: key, HTTP: h, Tries: 1})
	if err != nil {
		panic(fmt.Sprintf("local: %v", err))
	}
	return &API{Client: c, http: h}
}

// Payments reads a page of payments: hospital_id, order_no, status, limit,
// cursor.
func (a *API) Payments(ctx context.Context, query url.Values) (wire.Page, error) {
	s := client.Search{Hospital: query.Get("hospital_id"), OrderNo: query.Get("order_no"),
		Status: payment.Status(query.Get("status")), Cursor: query.Get("cursor")}
	if limit := query.Get("limit"); limit != "" {
		var err error
		if s.Limit, err = strconv.Atoi(limit); err != nil {
			return wire.Page{}, fmt.Errorf("read payments: limit: %w", err)
		}
	}
	return a.Client.Payments(ctx, s)
}

// Refund returns captured money, under a new key or under one that was used.
func (a *API) Refund(ctx context.Context, id string, o wire.RefundOrder) (wire.Refunds, error) {
	r, _, err := a.Client.Refund(ctx, id, o)
	return r, err
}

func (a *API) close() {
	if a != nil {
		a.http.CloseIdleConnections()
	}
}
