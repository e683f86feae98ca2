package insurance

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/regpay/regpay/internal/sandbox"
)

// usualClearing is how long clearing takes when no fault says otherwise, in
// milliseconds: a demo's seconds for the usual 45.
func usualClearing() sandbox.Latency { return sandbox.Latency{P50: 200, P95: 500} }

var errNotPayable = errors.New("insurance: there is no order that waits for this patient")

// payOrder is 6202: it accepts, and the patient's behaviour decides what
// becomes of it, which a platform that settles in the call answers already.
func (s *Server) payOrder(app *application, data map[string]any, now time.Time) (map[string]any, *refusal) {
	for _, name := range []string{"payOrdId", "payToken", "orgBizSer", "chrgBchno", "mdtrtId"} {
		if text(data, name) == "" {
			return nil, refuse(codeField, "缺少字段："+name)
		}
	}
	s.mu.Lock()
	o, refused := s.findOrder(app, data)
	if refused != nil {
		s.mu.Unlock()
		return nil, refused
	}
	if o.stas == stasRevoked {
		s.mu.Unlock()
		return nil, refuse(codeState, "订单已撤销")
	}
	accepted := false
	if o.stas == stasUploaded {
		a, refused := s.authorise(o, data, now)
		if refused != nil {
			s.mu.Unlock()
			return nil, refused
		}
		a.order = o
		o.stas, o.splits, accepted = stasPreSettled, o.uploaded, true
		if s.faults.Hit("split_off", s.faults.Spec().Insurance.SplitOffRate) {
			o.splits = o.uploaded.shifted()
		}
	}
	out := o.payState()
	s.mu.Unlock()
	if !accepted {
		return out, nil
	}
	patient := sandbox.Order{Channel: Name, Hospital: app.hospital, MerchantNo: o.medOrgOrd, Token: o.payOrdID}
	spec := s.faults.Spec().Insurance
	if !spec.SettlesInCall {
		s.env.Patients.Opened(patient)
		return out, nil
	}
	for _, behaviour := range s.env.Patients.OpenedInCall(patient) {
		if err := s.clear(context.Background(), patient, behaviour, spec); err != nil { // nothing in it waits
			s.env.Log.Info("an order was not decided in the call", "order", o.key, "behaviour", behaviour, "err", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return o.payState(), nil
}

// payState is what 6202 tells of an order; s.mu is held.
func (o *order) payState() map[string]any {
	out := o.state()
	out["extData"] = map[string]any{"preSetl": o.splits.fields()}
	return out
}

// findOrder finds the order that a request names by payOrdId and payToken; s.mu
// is held. Another hospital's order does not exist for it.
func (s *Server) findOrder(app *application, data map[string]any) (*order, *refusal) {
	o := s.byPayOrdID[text(data, "payOrdId")]
	if o == nil || o.app.hospital != app.hospital || o.payToken != text(data, "payToken") {
		return nil, refuse(codeNoOrder, "订单不存在")
	}
	if org := text(data, "orgCodg"); org != "" && org != app.orgCode {
		return nil, refuse(codeField, "orgCodg 与应用不符")
	}
	return o, nil
}

// state is what replies and notices tell of an order; s.mu is held.
func (o *order) state() map[string]any {
	out := map[string]any{"payOrdId": o.payOrdID, "medOrgOrd": o.medOrgOrd, "orgCodg": o.app.orgCode,
		"ordStas": strconv.Itoa(o.stas)}
	if o.stas == stasUploaded {
		out["feeSumamt"] = yuan(o.uploaded.total)
		return out
	}
	if o.splits.total == 0 { // revoked before 6202
		return out
	}
	for name, value := range o.splits.fields() {
		out[name] = value
	}
	out["setlType"] = "ALL"
	if !o.settledAt.IsZero() {
		out["traceTime"] = o.settledAt.In(shanghai()).Format(timeLayout)
		out["revsToken"] = o.revsToken
	}
	return out
}

// PatientPays implements [sandbox.Payer]: the authorised patient lets the order
// clear, or lets it fail. Paying late or twice is the same as paying.
func (s *Server) PatientPays(ctx context.Context, patient sandbox.Order, behaviour sandbox.Behaviour) error {
	return s.clear(ctx, patient, behaviour, s.faults.Spec().Insurance)
}

// clear takes an order from its acceptance to its end.
func (s *Server) clear(ctx context.Context, patient sandbox.Order, behaviour sandbox.Behaviour, spec sandbox.InsuranceFault) error {
	s.mu.Lock()
	o := s.byPayOrdID[patient.Token]
	if o == nil || o.stas != stasPreSettled {
		s.mu.Unlock()
		return errNotPayable
	}
	o.stas = stasClearing
	_, err := s.book.Clearing(o.key)
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("clearing: %w", err)
	}
	if !spec.SettlesInCall {
		usual := spec.ClearingMS
		if usual == (sandbox.Latency{}) {
			usual = usualClearing()
		}
		if err := s.env.Clock.Sleep(ctx, s.faults.Delay("clearing", usual)); err != nil {
			return err
		}
	}
	result := stasSettled
	switch {
	case behaviour == sandbox.Fail, s.faults.Hit("clearing_fail", spec.FailRate):
		result = stasFailed
	case s.faults.Hit("clearing_unknown", spec.UnknownRate):
		s.mu.Lock()
		result = stasUnclearFirst + s.unknowns%(stasUnclearLast-stasUnclearFirst+1)
		s.unknowns++
		s.mu.Unlock()
	}
	return s.decide(o, result, stasClearing)
}

// decide gives a clearing its result, if the order is still in one of the
// states from, and sends the notice of a settlement.
func (s *Server) decide(o *order, result int, from ...int) error {
	s.mu.Lock()
	if present := o.stas; !slices.Contains(from, present) {
		s.mu.Unlock()
		return fmt.Errorf("an order with ordStas %d cannot be decided: %w", present, sandbox.ErrState)
	}
	var err error
	switch result {
	case stasSettled:
		err = s.settleOrder(o)
	case stasFailed:
		_, err = s.book.Fail(o.key)
	}
	if err != nil {
		s.mu.Unlock()
		return fmt.Errorf("deciding an order: %w", err)
	}
	o.stas = result
	note := o.state()
	s.mu.Unlock()
	if result == stasSettled {
		s.notify(o, note)
	}
	return nil
}

// settleOrder books the money; s.mu is held.
func (s *Server) settleOrder(o *order) error {
	raw := make([]byte, 16)
	if _, err := rand.Read(raw); err != nil {
		return err
	}
	now := s.env.Clock.Now()
	if _, err := s.book.Capture(o.key, o.payOrdID, now,
		&sandbox.Split{OwnFen: o.splits.own, AccountFen: o.splits.account, FundFen: o.splits.fund}); err != nil {
		return err
	}
	o.settledAt, o.revsToken = now, hex.EncodeToString(raw)
	return nil
}

// decision is the body of PUT /insurance/orders/{medOrgOrd}: what the platform's
// staff found out.
type decision struct {
	// OrdStas is 6 (settled), 15 (failed) or 17–25 (still unclear).
	OrdStas int `json:"ordStas"`
	// Hospital is needed only where two hospitals use the same number.
	Hospital string `json:"hospital,omitempty"`
}

// serveDecide settles by hand what is in progress or unclear.
func (s *Server) serveDecide(w http.ResponseWriter, r *http.Request) {
	var in decision
	if err := sandbox.ReadJSON(r, &in); err != nil {
		sandbox.WriteProblem(w, http.StatusBadRequest, err)
		return
	}
	if in.OrdStas != stasSettled && in.OrdStas != stasFailed && !unclear(in.OrdStas) {
		sandbox.WriteProblem(w, http.StatusBadRequest, errors.New("ordStas is not 6, 15 or 17 to 25"))
		return
	}
	var found []*order
	s.mu.Lock()
	for _, app := range s.applications {
		if o := s.orders[orderKey(app.hospital, r.PathValue("medOrgOrd"))]; o != nil && (in.Hospital == "" || in.Hospital == app.hospital) {
			found = append(found, o)
		}
	}
	s.mu.Unlock()
	if len(found) != 1 {
		status := http.StatusNotFound
		if len(found) > 1 {
			status = http.StatusConflict
		}
		sandbox.WriteProblem(w, status, fmt.Errorf("%d orders have that number", len(found)))
		return
	}
	from := []int{stasPreSettled, stasClearing}
	for stas := stasUnclearFirst; stas <= stasUnclearLast; stas++ {
		from = append(from, stas)
	}
	if err := s.decide(found[0], in.OrdStas, from...); err != nil {
		sandbox.WriteProblem(w, http.StatusConflict, err)
		return
	}
	sandbox.WriteJSON(w, http.StatusOK, map[string]int{"ordStas": in.OrdStas})
}
