package plain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/ledger"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/voucher"
)

// webhookTimeout is below WeChat Pay's patience of 5 s.
const webhookTimeout = 4 * time.Second

// errForeign: a notification is about money that is not this payment's. The
// channel repeats it, and a person has to look.
var errForeign = errors.New("the notification does not match the books")

// webhook takes a notification of WeChat Pay. It is answered when its capture
// is on disk; what follows from it goes on behind the answer.
func (a *arm) webhook(w http.ResponseWriter, r *http.Request) {
	received := stamp(time.Now())
	ctx, cancel := context.WithTimeout(r.Context(), webhookTimeout)
	defer cancel()
	hospital := r.PathValue("hospital")
	client, err := a.Hospitals.Channel(hospital, payment.WeChat)
	if err != nil {
		a.refuse(w, problem{http.StatusNotFound, api.CodeNoRoute, "There is nothing here."})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, api.MaxBody))
	if err == nil {
		err = a.take(ctx, client, hospital, received,
			channel.Notification{Method: r.Method, URL: r.URL.RequestURI(), Header: r.Header, Body: body})
	}
	if err != nil {
		a.Log.Warn("a notification was not taken", zap.String("hospital", hospital), zap.Error(err))
	}
	said := client.Acknowledge(err)
	if said.ContentType != "" {
		w.Header().Set("Content-Type", said.ContentType)
	}
	w.WriteHeader(said.Status)
	_, _ = w.Write(said.Body) // a channel that hung up sends it again
}

// take verifies a notification and settles what it tells.
func (a *arm) take(ctx context.Context, client channel.Client, hospital string, received time.Time, n channel.Notification) error {
	event, err := client.ParseNotification(ctx, n)
	if err != nil {
		return err
	}
	if event.Charge == nil {
		return fmt.Errorf("not about a charge: %w", errForeign)
	}
	told := notice{hospital: hospital, report: *event.Charge, received: received,
		eventID: event.ID, header: signed(n.Header), body: bytes.Clone(n.Body)}
	p, fresh, err := a.settle(ctx, told)
	if err != nil || !fresh {
		return err
	}
	a.leave(p)
	return nil
}

// settle writes a capture down. fresh is false when it is there already.
func (a *arm) settle(ctx context.Context, n notice) (_ paid, fresh bool, err error) {
	order, tender, ok := payment.SplitMerchantNo(n.report.MerchantNo)
	if !ok || tender != attempt || n.report.State != channel.Captured {
		return paid{}, false, fmt.Errorf("not a capture of a charge: %w", errForeign)
	}
	n.order = order
	rate, err := a.Hospitals.FeeRate(n.hospital, payment.WeChat)
	if err != nil {
		return paid{}, false, err
	}
	now := stamp(time.Now())
	n.booking, err = ledger.NewCapture(ledger.Movement{
		HospitalID: n.hospital, PaymentID: payment.ID(n.hospital, order), Channel: payment.WeChat,
		Number: fmt.Sprintf("%d-%s", attempt, n.report.ChannelNo), Amount: n.report.Captured,
		Fee: ledger.Fee(n.report.Captured, rate), At: now,
	})
	if err != nil {
		return paid{}, false, err
	}
	if n.voucher, err = voucher.NewCode(); err != nil {
		return paid{}, false, err
	}
	p, fresh, err := a.books.settle(ctx, n, now)
	if err != nil || fresh {
		return p, fresh, err
	}
	return paid{}, false, a.compare(ctx, n)
}

// compare says whether the books have what a notification tells.
func (a *arm) compare(ctx context.Context, n notice) error {
	known, err := a.books.read(ctx, n.hospital, n.order)
	switch {
	case err != nil:
		return err
	case known.channelNo != n.report.ChannelNo || known.amount != n.report.Captured.Minor():
		return fmt.Errorf("another amount or transaction: %w", errForeign)
	}
	return nil
}

// signed are the headers that a notification's signature is about, as JSON.
func signed(h http.Header) string {
	kept := map[string][]string{}
	for name, values := range h {
		if name == "Content-Type" || strings.HasPrefix(name, "Wechatpay-") {
			kept[name] = values
		}
	}
	text, err := json.Marshal(kept)
	if err != nil { // strings alone: it cannot be
		return "{}"
	}
	return string(text)
}
