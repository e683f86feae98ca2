package wechat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/regpay/regpay/internal/sandbox"
)

// What the app tells a patient who cannot pay.
var (
	errNoSuchOrder  = errors.New("the order does not exist")
	errOrderClosed  = errors.New("the order is closed")
	errOrderPaid    = errors.New("the order is paid already")
	errOrderExpired = errors.New("the time to pay is over")
	errTokenExpired = errors.New("the prepay id or code is older than two hours")
	errSign         = errors.New("the payment's signature does not verify")
)

// PatientPays is the WeChat app. A failed attempt leaves the order unpaid; a
// second payment of the same order is refused.
func (s *Server) PatientPays(_ context.Context, o sandbox.Order, behaviour sandbox.Behaviour) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.byToken[o.Token]
	if t == nil {
		t = s.trades[bookKey(o.Hospital, o.MerchantNo)]
	}
	if t == nil {
		return errNoSuchOrder
	}
	if behaviour == sandbox.Fail {
		return s.mayPay(t, o.Token, behaviour)
	}
	if err := s.capture(t, o.Token, behaviour); err != nil {
		return err
	}
	if behaviour == sandbox.PayTwice {
		return fmt.Errorf("second payment: %w", s.mayPay(t, o.Token, behaviour))
	}
	return nil
}

// mayPay says why the order cannot be paid now; s.mu is held.
func (s *Server) mayPay(t *trade, token string, behaviour sandbox.Behaviour) error {
	charge, _ := s.book.Charge(t.key())
	now := s.env.Clock.Now()
	if given, ok := t.tokens[token]; ok && now.Sub(given) >= tokenLife {
		return errTokenExpired
	}
	switch {
	case charge.State == sandbox.ChargeCaptured:
		return errOrderPaid
	case charge.State == sandbox.ChargeClosed:
		return errOrderClosed
	case t.expired(now) && behaviour != sandbox.PayLate:
		return errOrderExpired
	}
	return nil
}

func (s *Server) capture(t *trade, token string, behaviour sandbox.Behaviour) error {
	if err := s.mayPay(t, token, behaviour); err != nil {
		return err
	}
	now := s.env.Clock.Now()
	number := s.channelNumber("420", now)
	if _, err := s.book.Capture(t.key(), number, now, nil); err != nil {
		return fmt.Errorf("paying: %w", err)
	}
	t.payer, t.bank = t.order.openID, "OTHERS"
	if t.payer == "" {
		t.payer = "oSandbox" + randomHex(10) // whoever scanned the code
	}
	s.byTxn[bookKey(t.merchant.MchID, number)] = t
	s.notifyPayment(t)
	return nil
}

// jsapiCall is what a page hands to the app (documented as JSAPI调起支付), and what the
// patient does then.
type jsapiCall struct {
	AppID     string            `json:"appId"`
	TimeStamp string            `json:"timeStamp"`
	NonceStr  string            `json:"nonceStr"`
	Package   string            `json:"package"`
	SignType  string            `json:"signType"`
	PaySign   string            `json:"paySign"`
	AfterMS   int64             `json:"after_ms"`
	Behaviour sandbox.Behaviour `json:"behaviour"`
}

// presentJSAPI is the admin's POST /patients/jsapi: the app opens only when the
// merchant's signature of the parameters verifies.
func (s *Server) presentJSAPI(w http.ResponseWriter, r *http.Request) {
	var call jsapiCall
	if err := sandbox.ReadJSON(r, &call); err != nil {
		sandbox.WriteProblem(w, http.StatusBadRequest, err)
		return
	}
	token, err := s.checkCall(call)
	if err == nil {
		err = s.env.Patients.Instruct(sandbox.Instruction{Channel: Name, Token: token, AfterMS: call.AfterMS, Behaviour: call.Behaviour})
	}
	if err != nil {
		sandbox.WriteProblem(w, http.StatusBadRequest, err)
		return
	}
	sandbox.WriteJSON(w, http.StatusAccepted, map[string]string{"status": "ok"})
}

func (s *Server) checkCall(call jsapiCall) (token string, err error) {
	token, ok := strings.CutPrefix(call.Package, "prepay_id=")
	if !ok || call.SignType != "RSA" || call.TimeStamp == "" || call.NonceStr == "" || len(call.NonceStr) > 32 {
		return "", errors.New("the parameters are incomplete: package prepay_id=…, signType RSA, timeStamp, nonceStr up to 32")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.byToken[token]
	if t == nil || t.order.kind != jsapi {
		return "", errNoSuchOrder
	}
	if call.AppID != t.merchant.AppID {
		return "", errors.New("the prepay id belongs to another appId")
	}
	message := call.AppID + "\n" + call.TimeStamp + "\n" + call.NonceStr + "\n" + call.Package + "\n"
	if !verifyRSA(t.merchant.publicKey, message, call.PaySign) {
		return "", errSign
	}
	return token, s.mayPay(t, token, call.Behaviour)
}
