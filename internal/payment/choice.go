package payment

import (
	"github.com/regpay/regpay/internal/money"
)

// Method is how the patient chose to pay.
type Method string

// The ways to pay.
const (
	ByWeChat    Method = "wechat"
	ByUnionPay  Method = "unionpay"
	ByInsurance Method = "insurance"
	ByMixed     Method = "mixed" // insurance and a self-pay channel
)

// Channel is a system that moves money.
type Channel string

// The channels.
const (
	WeChat    Channel = "wechat"
	UnionPay  Channel = "unionpay"
	Insurance Channel = "insurance"
)

// Channels lists every channel.
func Channels() []Channel { return []Channel{WeChat, UnionPay, Insurance} }

// Scene is where the patient pays from, which decides what a channel returns.
type Scene string

// The scenes, each of one channel.
const (
	JSAPI  Scene = "jsapi"  // WeChat Pay inside WeChat: parameters for the app
	Native Scene = "native" // WeChat Pay: a QR code
	Front  Scene = "front"  // UnionPay: a form for the browser
	App    Scene = "app"    // UnionPay: a tn for the app's control
)

// Choice is the patient's method with what it needs.
type Choice struct {
	Method Method `json:"method"`
	// Scene is for the self-pay channel; empty for insurance alone.
	Scene Scene `json:"scene,omitempty"`
	// SelfPay is the channel of the self-pay tender in a mixed payment.
	SelfPay Channel `json:"self_pay,omitempty"`
	// InsuranceAmount is what the insurance pays in a mixed payment.
	InsuranceAmount money.Money `json:"insurance_amount,omitzero"`
	// PayAuthNo or ECToken is the patient's authorisation by the electronic
	// insurance credential, for insurance and mixed.
	PayAuthNo string `json:"pay_auth_no,omitempty"`
	ECToken   string `json:"ec_token,omitempty"`
}

// Tender is one planned charge of a payment.
type Tender struct {
	Channel Channel     `json:"channel"`
	Scene   Scene       `json:"scene,omitempty"`
	Amount  money.Money `json:"amount"`
}

// UsesInsurance says whether a tender is the insurance's, which makes the
// verification of the patient mandatory.
func (c Choice) UsesInsurance() bool { return c.Method == ByInsurance || c.Method == ByMixed }

// Tenders plans the charges for an order in the order in which they are made:
// self-pay first and insurance last, since the insurance is the hardest to
// reverse.
func (c Choice) Tenders(total money.Money) []Tender {
	switch c.Method {
	case ByWeChat:
		return []Tender{{Channel: WeChat, Scene: c.Scene, Amount: total}}
	case ByUnionPay:
		return []Tender{{Channel: UnionPay, Scene: c.Scene, Amount: total}}
	case ByInsurance:
		return []Tender{{Channel: Insurance, Amount: total}}
	case ByMixed:
		rest, err := total.Sub(c.InsuranceAmount)
		if err != nil {
			return nil
		}
		return []Tender{
			{Channel: c.SelfPay, Scene: c.Scene, Amount: rest},
			{Channel: Insurance, Amount: c.InsuranceAmount},
		}
	}
	return nil
}

// Check finds everything that is wrong with the choice for an order, as
// Problems, or returns nil.
func (c Choice) Check(o Order) error {
	var ps Problems
	self := c.SelfPay
	switch c.Method {
	case ByWeChat:
		self = WeChat
	case ByUnionPay:
		self = UnionPay
	case ByInsurance:
		self = ""
	case ByMixed:
		c.checkSplit(&ps, o)
	default:
		ps.add("choice.method", CodeMethod, "the method is wechat, unionpay, insurance or mixed")
		return ps.orNil()
	}
	if c.Method != ByMixed && !c.InsuranceAmount.IsZero() {
		ps.add("choice.insurance_amount", CodeSplit, "only a mixed payment names the insurance's amount")
	}
	c.checkScene(&ps, self, o.Patient)
	if c.UsesInsurance() {
		if (c.PayAuthNo == "") == (c.ECToken == "") {
			ps.add("choice.pay_auth_no", CodeInsuranceAuth, "insurance needs one of pay_auth_no and ec_token")
		}
		if o.Patient.PsnNo == "" || len(o.Patient.PsnNo) > 30 {
			ps.add("order.patient.psn_no", CodeInsuranceAuth, "insurance needs the number of the insured person")
		}
		if o.Patient.IDType != IDCard {
			ps.add("order.patient.id_type", CodeIDType, "insurance needs an identity card")
		}
	}
	return ps.orNil()
}

func (c Choice) checkSplit(ps *Problems, o Order) {
	if c.SelfPay != WeChat && c.SelfPay != UnionPay {
		ps.add("choice.self_pay", CodeChannel, "the self-pay channel is wechat or unionpay")
	}
	cmp, err := c.InsuranceAmount.Cmp(o.Amount)
	if err != nil || !c.InsuranceAmount.IsPositive() || cmp >= 0 {
		ps.add("choice.insurance_amount", CodeSplit, "the insurance's part lies between zero and the amount")
	}
}

func (c Choice) checkScene(ps *Problems, self Channel, p Patient) {
	ok := false
	switch self {
	case WeChat:
		ok = c.Scene == JSAPI || c.Scene == Native
		if c.Scene == JSAPI && p.OpenID == "" {
			ps.add("order.patient.openid", CodeOpenID, "jsapi needs the payer's openid")
		}
	case UnionPay:
		ok = c.Scene == Front || c.Scene == App
	default:
		ok = c.Scene == "" || c.Method == ByMixed
	}
	if !ok {
		ps.add("choice.scene", CodeScene, "wechat takes jsapi or native, unionpay front or app, insurance none")
	}
}
