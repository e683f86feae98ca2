package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/inbound"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// webhookTimeout is below the shortest patience of a channel: WeChat Pay waits
// 5 s for an answer, UnionPay 10 s.
const webhookTimeout = 4 * time.Second

// What came of a notification. The words are kept with it and counted.
const (
	outcomeAccepted    = "accepted"
	outcomeRepeated    = "repeated"       // what it tells was known: nothing was done
	outcomeForeign     = "unknown_target" // no such hospital, or no such channel there
	outcomeTooLarge    = "too_large"
	outcomeUnverified  = "not_verified" // signature, freshness, merchant or form
	outcomeNoNumber    = "unknown_number"
	outcomeAmount      = "amount_differs"
	outcomeTwice       = "returned_twice" // on site, and by the channel after all
	outcomeEmpty       = "nothing_told"
	outcomeUnavailable = "unavailable" // our own trouble: the channel repeats
)

// refusal is why a notification does not count. It is what a channel is told.
type refusal struct{ outcome string }

func (r refusal) Error() string { return r.outcome }

// webhook takes a channel's notification (rule I9). It counts only when the
// channel's client believes it and the books have its number with its amount.
// It is kept, as it came, before it is answered; whatever goes wrong afterwards
// is answered with an error, so that the channel sends it again.
func (s *server) webhook(w http.ResponseWriter, r *http.Request) {
	ch, hospital := payment.Channel(chi.URLParam(r, "channel")), chi.URLParam(r, "hospital")
	h, known := s.hospitals.Hospital(hospital)
	if !known || !h.Offers(ch) || h.Channel(ch) == nil {
		s.metrics.webhook(knownChannel(ch), outcomeForeign)
		s.write(w, r, newProblem(CodeNoRoute))
		return
	}
	client := h.Channel(ch)
	ctx, cancel := context.WithTimeout(r.Context(), webhookTimeout)
	defer cancel()
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	switch {
	case err != nil:
		s.answer(w, client, ch, refusal{outcomeUnavailable})
		return
	case len(body) > MaxBody:
		s.metrics.webhook(ch, outcomeTooLarge)
		s.write(w, r, newProblem(CodeTooLarge))
		return
	}
	s.answer(w, client, ch, s.take(ctx, client, notice{
		n:  channel.Notification{Method: r.Method, URL: r.URL.RequestURI(), Header: r.Header.Clone(), Body: body},
		at: s.now(), channel: ch, hospital: hospital,
	}))
}

// answer replies as the channel expects and counts what came of it.
func (s *server) answer(w http.ResponseWriter, client channel.Client, ch payment.Channel, err error) {
	outcome := outcomeAccepted
	var why refusal
	switch {
	case errors.As(err, &why):
		outcome = why.outcome
	case err != nil:
		outcome = outcomeUnavailable
	}
	s.metrics.webhook(ch, outcome)
	if outcome == outcomeRepeated || outcome == outcomeTwice {
		err = nil // there is nothing that a repeat could do
	}
	reply := client.Acknowledge(err)
	if outcome == outcomeUnavailable {
		// Nothing is wrong with the notification. Every channel repeats what was
		// not answered with success, and its own form of an answer stays.
		reply.Status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", strconv.Itoa(int(retryUnavailable.Seconds())))
	}
	if reply.ContentType != "" {
		w.Header().Set("Content-Type", reply.ContentType)
	}
	w.WriteHeader(reply.Status)
	_, _ = w.Write(reply.Body) // a channel that hung up sends it again
}

// notice is a notification with where it came in.
type notice struct {
	n        channel.Notification
	at       time.Time
	channel  payment.Channel
	hospital string
}

// finding is what the books say of an event.
type finding struct {
	ref     Ref
	payment string
	known   bool // the books have what it tells already
}

// take does everything between reading a notification and answering it. The
// error is nil, a refusal, or our own trouble.
func (s *server) take(ctx context.Context, client channel.Client, n notice) error {
	event, err := client.ParseNotification(ctx, n.n)
	if err != nil {
		s.log.Warn("a notification is not believed", zap.String("request_id", inbound.RequestID(ctx)),
			zap.String("channel", string(n.channel)), zap.String("hospital", n.hospital), zap.String("code", payment.CodeOf(err)))
		return s.keepRefused(ctx, n)
	}
	found, err := s.find(ctx, n, event)
	var why refusal
	switch {
	case errors.As(err, &why):
		return s.keepVerified(ctx, n, event, found.payment, why.outcome)
	case err != nil:
		return s.trouble(ctx, n, fmt.Errorf("find what a notification is about: %w", err))
	}
	row := n.row(event.ID, found.payment, outcomeAccepted)
	if _, err := s.books.KeepWebhook(ctx, row); err != nil {
		return s.trouble(ctx, n, fmt.Errorf("keep a notification: %w", err))
	}
	// A repeat is not told from a first one by having been kept: the engine may
	// not have heard of that one. What the books know of the money decides.
	if found.known {
		return refusal{outcomeRepeated}
	}
	if err := s.engine.Notify(ctx, found.ref, event); err != nil {
		return s.trouble(ctx, n, fmt.Errorf("tell the engine of a notification: %w", err))
	}
	return nil
}

func (s *server) trouble(ctx context.Context, n notice, err error) error {
	s.log.Warn("a notification could not be taken", zap.String("request_id", inbound.RequestID(ctx)),
		zap.String("channel", string(n.channel)), zap.String("hospital", n.hospital), zap.Error(err))
	return err
}

// keepRefused keeps a notification that is not believed, as evidence. Since
// anybody can send those, only so many a minute are kept; all are counted.
func (s *server) keepRefused(ctx context.Context, n notice) error {
	if s.refused.pass() {
		if _, err := s.books.KeepWebhook(ctx, n.row("", "", outcomeUnverified)); err != nil {
			return s.trouble(ctx, n, fmt.Errorf("keep a refused notification: %w", err))
		}
	}
	return refusal{outcomeUnverified}
}

// keepVerified keeps a notification that a channel did send and that the books
// cannot match. It may be about money that nobody here asked for: a number that
// the books do not know, since they were restored to an earlier moment or since
// another system shares the account, or another amount. So it is always kept,
// once for all of its repeats, and told to the operator by log and metric.
//
// But for outcomeTwice it is not acknowledged: the channel then repeats it for hours up to a day,
// and one of the repeats counts once the books know the number again. Nothing is
// returned on its word: whose the money is, only a person can say.
func (s *server) keepVerified(ctx context.Context, n notice, e channel.Event, paymentID, outcome string) error {
	fields := []zap.Field{zap.String("request_id", inbound.RequestID(ctx)), zap.String("channel", string(n.channel)),
		zap.String("hospital", n.hospital), zap.String("outcome", outcome), zap.String("event_id", e.ID)}
	if e.Charge != nil {
		fields = append(fields, zap.String("merchant_no", e.Charge.MerchantNo), zap.String("channel_no", e.Charge.ChannelNo))
	}
	if e.Refund != nil {
		fields = append(fields, zap.String("refund_no", e.Refund.RefundNo))
	}
	s.log.Error("a verified notification tells of money that the books have otherwise", fields...)
	// Under a name of its own: the same event is taken as new when the books know it.
	id := e.ID
	if id != "" {
		id = outcome + ":" + id
	}
	if _, err := s.books.KeepWebhook(ctx, n.row(id, paymentID, outcome)); err != nil {
		return s.trouble(ctx, n, fmt.Errorf("keep a notification that matches nothing: %w", err))
	}
	return refusal{outcome}
}

// find looks for what an event is about and compares the amounts.
func (s *server) find(ctx context.Context, n notice, e channel.Event) (finding, error) {
	switch {
	case e.Charge != nil:
		return s.findCharge(ctx, n, *e.Charge)
	case e.Refund != nil:
		return s.findRefund(ctx, n, *e.Refund)
	}
	return finding{}, refusal{outcomeEmpty}
}

func (s *server) findCharge(ctx context.Context, n notice, r channel.Report) (finding, error) {
	a, err := s.books.AttemptByNumber(ctx, n.hospital, n.channel, r.MerchantNo)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return finding{}, refusal{outcomeNoNumber}
	case err != nil:
		return finding{}, err
	}
	order, _, _ := payment.SplitMerchantNo(r.MerchantNo) // it is one, since the books have it
	f := finding{ref: Ref{HospitalID: n.hospital, OrderNo: order}, payment: a.PaymentID}
	if r.State == channel.Captured && !r.Captured.Equal(a.Amount) {
		return f, refusal{outcomeAmount}
	}
	f.known = a.State == channel.Captured && a.ChannelNo == r.ChannelNo
	return f, nil
}

func (s *server) findRefund(ctx context.Context, n notice, r channel.RefundReport) (finding, error) {
	row, err := s.books.RefundByNumber(ctx, n.hospital, n.channel, r.RefundNo)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return finding{}, refusal{outcomeNoNumber}
	case err != nil:
		return finding{}, err
	}
	order, _, ok := payment.SplitRefundNo(row.Refund.No)
	if !ok {
		return finding{}, refusal{outcomeNoNumber}
	}
	f := finding{ref: Ref{HospitalID: n.hospital, OrderNo: order}, payment: row.PaymentID}
	if !r.Amount.IsZero() && !r.Amount.Equal(row.Refund.Amount) {
		return f, refusal{outcomeAmount}
	}
	if row.Code == store.CodeOffline && r.State == channel.RefundSucceeded {
		return f, refusal{outcomeTwice}
	}
	f.known = row.State == r.State && (r.State == channel.RefundSucceeded || r.State == channel.RefundFailed)
	return f, nil
}

// row is the notification for the books: its bytes as they came and the
// headers that its signature is about.
func (n notice) row(eventID, paymentID, outcome string) store.Webhook {
	kept := map[string][]string{}
	for name, values := range n.n.Header {
		if name == "Content-Type" || strings.HasPrefix(name, "Wechatpay-") {
			kept[name] = values
		}
	}
	header, err := json.Marshal(kept)
	if err != nil { // strings alone: it cannot be
		header = []byte("{}")
	}
	return store.Webhook{Channel: n.channel, HospitalID: n.hospital, Header: header, Body: bytes.Clone(n.n.Body),
		ReceivedAt: n.at, EventID: eventID, PaymentID: paymentID, Outcome: outcome}
}

// knownChannel keeps invented names out of the metrics' labels.
func knownChannel(ch payment.Channel) payment.Channel {
	for _, k := range payment.Channels() {
		if k == ch {
			return ch
		}
	}
	return "unknown"
}
