package console

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
	"github.com/regpay/regpay/internal/voucher"
)

// voucherAddress is where the picture of a payment's voucher is; empty when it
// has none.
func (s *server) voucherAddress(v store.View) string {
	if s.vouchers == nil || v.Voucher == nil {
		return ""
	}
	return base + "/payments/" + v.ID + "/voucher.svg"
}

// voucherPicture is the voucher as the patient has it, with the state of now as
// its watermark. It is made anew each time and kept nowhere: what it is worth
// changes.
func (s *server) voucherPicture(p *page) error {
	v, err := s.paymentOf(p, staff.SeeVoucher)
	if err != nil {
		return err
	}
	if s.voucherAddress(v) == "" {
		return p.notFound()
	}
	// The picture has an address of its own, so the page's record is not its.
	seen := store.Viewing{PaymentID: v.ID, By: p.person.Subject, Address: p.from()}
	if err := s.books.ViewLogged(p.ctx(), seen, p.now); err != nil {
		return err
	}
	token, err := s.vouchers.Sign(voucher.Claim{HospitalID: v.HospitalID, OrderNo: v.OrderNo,
		Code: v.Voucher.Code, SlotAt: v.SlotAt, AmountFen: v.Amount.Minor()})
	if err != nil {
		return fmt.Errorf("sign the voucher: %w", err)
	}
	card := voucher.Card{State: voucherState(v), Code: v.Voucher.Code, Token: token, Name: v.MaskedName, Department: v.Department,
		Doctor: v.Doctor, SlotAt: v.SlotAt, OrderNo: v.OrderNo, Amount: v.Amount, IssuedAt: v.Voucher.IssuedAt, Language: voucher.Chinese}
	if p.lang == English {
		card.Language = voucher.English
	}
	var picture bytes.Buffer
	if err := card.SVG(&picture); err != nil {
		return fmt.Errorf("draw the voucher: %w", err)
	}
	h := p.w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Content-Disposition", `inline; filename="voucher.svg"`)
	h.Add("Vary", "Accept-Language, Cookie")
	p.w.WriteHeader(http.StatusOK)
	_, _ = p.w.Write(picture.Bytes()) // the browser may be gone
	return nil
}

// voucherState is what the voucher is worth now. Money that is on its way back
// takes its worth already.
func voucherState(v store.View) voucher.State {
	switch {
	case v.Status == payment.Refunded:
		return voucher.Refunded
	case v.Voucher.Void:
		return voucher.Void
	case v.Voucher.Temporary:
		return voucher.Temporary
	}
	return voucher.Paid
}
