package local

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/regpay/regpay/deploy/stack"
	"github.com/regpay/regpay/internal/sandbox"
	"github.com/regpay/regpay/internal/sandbox/his"
)

// Sandbox calls the sandbox's admin interface. It is safe for concurrent use.
type Sandbox struct {
	admin    string // base URL
	http     *http.Client
	manifest stack.Manifest
}

// NewSandbox makes a client; the manifest says which accounts hospitals have.
func NewSandbox(admin string, m stack.Manifest) *Sandbox {
	return &Sandbox{admin: admin, http: newHTTP(), manifest: m}
}

func (s *Sandbox) close() {
	if s != nil {
		s.http.CloseIdleConnections()
	}
}

// Books are the counterparties' own records.
type Books struct {
	WeChat    sandbox.BookSnapshot `json:"wechat"`
	UnionPay  sandbox.BookSnapshot `json:"unionpay"`
	Insurance sandbox.BookSnapshot `json:"insurance"`
	HIS       his.Books            `json:"his"`
}

// Books reads all of them.
func (s *Sandbox) Books(ctx context.Context) (b Books, err error) {
	err = s.call(ctx, http.MethodGet, "/books", nil, &b)
	return b, err
}

// Instruct tells the patient of an order what to do.
func (s *Sandbox) Instruct(ctx context.Context, in sandbox.Instruction) error {
	return s.call(ctx, http.MethodPost, "/patients/pay", in, nil)
}

// SetDefault says what patients without an instruction do.
func (s *Sandbox) SetDefault(ctx context.Context, d sandbox.Default) error {
	return s.call(ctx, http.MethodPut, "/patients/default", d, nil)
}

// SetFaults replaces a counterparty's faults: wechat, unionpay, insurance, his
// or identity.
func (s *Sandbox) SetFaults(ctx context.Context, counterparty string, f sandbox.FaultSpec) error {
	return s.call(ctx, http.MethodPut, "/faults/"+url.PathEscape(counterparty), f, nil)
}

// Faults shows a counterparty's faults and how often each was injected.
func (s *Sandbox) Faults(ctx context.Context, counterparty string) (out sandbox.FaultStatus, err error) {
	err = s.call(ctx, http.MethodGet, "/faults/"+url.PathEscape(counterparty), nil, &out)
	return out, err
}

// Heal ends a counterparty's faults.
func (s *Sandbox) Heal(ctx context.Context, counterparty string) error {
	return s.call(ctx, http.MethodDelete, "/faults/"+url.PathEscape(counterparty), nil, nil)
}

// WithdrawSlot has every HIS refuse a slot; what is booked on it stays booked.
func (s *Sandbox) WithdrawSlot(ctx context.Context, slot string) error {
	return s.call(ctx, http.MethodPut, "/his/slots/"+url.PathEscape(slot), map[string]bool{"gone": true}, nil)
}

// How WeChat Pay ends a refund, for [Sandbox.EndRefund]: an abnormal one waits
// for a person there.
const (
	RefundSuccess  = "SUCCESS"
	RefundAbnormal = "ABNORMAL"
	RefundClosed   = "CLOSED"
)

// EndRefund says how a refund ends at WeChat Pay, whether it exists already or
// is still to come.
func (s *Sandbox) EndRefund(ctx context.Context, refundNo, status string) error {
	return s.call(ctx, http.MethodPut, "/wechat/refunds/"+url.PathEscape(refundNo), map[string]string{"status": status}, nil)
}

// SMSCode reads the code that a patient of the hospital got for a challenge.
func (s *Sandbox) SMSCode(ctx context.Context, hospital, challenge string) (string, error) {
	account := s.manifest.Hospitals[hospital].Identity.SMSAccount
	var text struct {
		Code string `json:"code"`
	}
	err := s.call(ctx, http.MethodGet, "/identity/sms/"+url.PathEscape(account)+"/"+url.PathEscape(challenge), nil, &text)
	return text.Code, err
}

// SetFace lets the patient pass or fail a face check: success, mismatch,
// cancelled, network or pending.
func (s *Sandbox) SetFace(ctx context.Context, verifyID, result string) error {
	return s.call(ctx, http.MethodPut, "/identity/face/"+url.PathEscape(verifyID), map[string]string{"result": result}, nil)
}

// Authorisation is an insured person's consent to one payment.
type Authorisation struct {
	PayAuthNo string    `json:"payAuthNo"`
	ECToken   string    `json:"ecToken"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// Authorise lets an insured person consent by their electronic credential.
func (s *Sandbox) Authorise(ctx context.Context, hospital, psnNo, idNumber string) (out Authorisation, err error) {
	in := map[string]string{"hospital": hospital, "psn_no": psnNo, "id_no": idNumber}
	err = s.call(ctx, http.MethodPost, "/insurance/auth", in, &out)
	return out, err
}

// Answers of the insurance platform's own staff, for [Sandbox.SettleInsurance].
const (
	InsuranceSettled = 6
	InsuranceFailed  = 15
	InsuranceUnclear = 17
)

// SettleInsurance gives an order that is being cleared its result by hand, by
// merchant number.
func (s *Sandbox) SettleInsurance(ctx context.Context, hospital, merchantNo string, result int) error {
	in := map[string]any{"ordStas": result, "hospital": hospital}
	return s.call(ctx, http.MethodPut, "/insurance/orders/"+url.PathEscape(merchantNo), in, nil)
}
