package insurance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// handle names an uploaded order at the platform. Its JSON is the Charge's
// Handle.
type handle struct {
	PayOrdID string `json:"payOrdId"`
	PayToken string `json:"payToken"`
	MdtrtID  string `json:"mdtrtId,omitempty"` // of the visit, where the platform gave one
}

func (h handle) String() string {
	b, err := json.Marshal(h)
	if err != nil {
		panic("insurance: a handle is three strings: " + err.Error())
	}
	return string(b)
}

// errRevoked marks the refusal of an upload whose number was revoked before.
var errRevoked = errors.New("revoked")

// order is the charge's handle: the kept one, or what a repeated upload
// returns. A refused repeat is Uncertain (see the package's comment), unless
// its code says that the order was revoked: then errRevoked is in the error.
func (c *Client) order(ctx context.Context, op string, ch channel.Charge) (handle, error) {
	if ch.Handle == "" {
		h, err := c.upload(ctx, op, ch)
		switch {
		case err == nil:
			return h, nil
		case payment.KindOf(err) == payment.Final && slices.Contains(c.cfg.RevokedCodes, payment.CodeOf(err)):
			return handle{}, failure(op, payment.Final, payment.CodeOf(err), errRevoked)
		}
		return handle{}, stillInDoubt(op, err)
	}
	var h handle
	if err := json.Unmarshal([]byte(ch.Handle), &h); err != nil || h.PayOrdID == "" || h.PayToken == "" {
		return handle{}, failure(op, payment.Final, "handle", errors.New("not a handle of this channel"))
	}
	return h, nil
}

// closed is the report of a revoked order.
func closed(ch channel.Charge, err error) channel.Report {
	return channel.Report{MerchantNo: ch.MerchantNo, State: channel.Closed, Code: payment.CodeOf(err)}
}

// upload sends 6201. The body is a function of the Charge and the
// configuration, so that a repeat is the same to the platform.
func (c *Client) upload(ctx context.Context, op string, ch channel.Charge) (handle, error) {
	body, err := c.fees(ch)
	if err != nil {
		return handle{}, failure(op, payment.Final, "charge", err)
	}
	reply, err := c.call(ctx, op, pathUpload, body)
	if err != nil {
		return handle{}, err
	}
	h := handle{PayOrdID: text(reply, "payOrdId"), PayToken: text(reply, "payToken"), MdtrtID: text(reply, "mdtrtId")}
	if ext, ok := reply["extData"].(object); ok && h.MdtrtID == "" {
		h.MdtrtID = text(ext, "mdtrtId")
	}
	if h.PayOrdID == "" || h.PayToken == "" {
		return handle{}, failure(op, payment.Uncertain, "bad_reply", errors.New("an upload without payOrdId or payToken"))
	}
	return h, nil
}

// Constants of the upload for a registration: national dictionary values.
func uploadDefaults() map[string]string {
	return map[string]string{
		"medType":         "12", // 门诊挂号
		"feeType":         "01",
		"insutype":        "310", // 职工基本医疗保险
		"psnSetlway":      "01",  // 按项目结算
		"pubHospRfomFlag": "0",
		"acctUsedFlag":    "1", // the personal account may be used
	}
}

func (c *Client) fees(ch channel.Charge) (object, error) {
	own, err := checkCharge(ch)
	if err != nil {
		return nil, err
	}
	details, err := feeDetails(ch)
	if err != nil {
		return nil, err
	}
	at := ch.CreatedAt.In(china).Format(dayLayout)
	o := object{}
	for k, v := range uploadDefaults() {
		o[k] = v
	}
	for k, v := range c.cfg.ExtraUpload {
		o[k] = v
	}
	computed := object{
		"orgCodg":         c.cfg.OrgCode,
		"medOrgOrd":       ch.MerchantNo,
		"chrgBchno":       ch.MerchantNo,
		"iptOtpNo":        ch.OrderNo,
		"psnNo":           ch.Payer.PsnNo,
		"insuCode":        ch.Payer.City,
		"idType":          "01",
		"idNo":            ch.Payer.IDNumber,
		"userName":        ch.Payer.Name,
		"begntime":        at,
		"deptName":        ch.Slot.Department,
		"drName":          ch.Slot.Doctor,
		"medfeeSumamt":    ch.Total.Yuan(),
		"fulamtOwnpayAmt": own.Yuan(),
		"preselfpayAmt":   "0.00",
		"inscpScpAmt":     ch.Amount.Yuan(),
		"feedetailList":   details,
		"extData":         object{"notifyUrl": c.cfg.NotifyURL},
	}
	maps.Copy(o, computed)
	authorise(o, ch)
	return o, nil
}

// authorise adds the patient's authorisation by the electronic credential.
func authorise(o object, ch channel.Charge) {
	o["payAuthNo"], o["ecToken"] = ch.PayAuthNo, ch.ECToken
}

// checkCharge returns the part that another tender pays.
func checkCharge(ch channel.Charge) (money.Money, error) {
	own, err := ch.Total.Sub(ch.Amount)
	switch {
	case err != nil || ch.Total.Currency() != money.CNY || !ch.Amount.IsPositive() || own.IsNegative():
		return money.Money{}, errors.New("the insurance's part lies between zero and the total, in CNY")
	case (ch.PayAuthNo == "") == (ch.ECToken == ""):
		return money.Money{}, errors.New("one of payAuthNo and ecToken is needed")
	case ch.Payer.IDType != payment.IDCard:
		return money.Money{}, errors.New("an identity card is needed")
	case ch.MerchantNo == "" || ch.CreatedAt.IsZero():
		return money.Money{}, errors.New("a charge has a number and the time of its creation")
	}
	return own, nil
}

func feeDetails(ch channel.Charge) ([]any, error) {
	at := ch.CreatedAt.In(china).Format(dayLayout)
	list := make([]any, 0, len(ch.Fees))
	sum := money.Fen(0)
	for i, f := range ch.Fees {
		var err error
		if sum, err = sum.Add(f.Amount); err != nil || f.Amount.IsNegative() {
			return nil, errors.New("fees are in CNY and not below zero")
		}
		list = append(list, object{
			"feedetlSn":        fmt.Sprintf("%s%02d", ch.MerchantNo, i+1),
			"medinsListCodg":   f.Code,
			"medinsListName":   f.Name,
			"detItemFeeSumamt": f.Amount.Yuan(),
			"pric":             f.Amount.Yuan(),
			"cnt":              "1",
			"feeOcurTime":      at,
		})
	}
	if !sum.Equal(ch.Total) {
		return nil, errors.New("the fees do not add up to the total")
	}
	return list, nil
}
