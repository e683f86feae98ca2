package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/inbound"
	"github.com/regpay/regpay/internal/store"
	"github.com/regpay/regpay/internal/voucher"
)

type voucherInput struct {
	PaymentPath
	Format   string `query:"format" enum:"json,png,svg" default:"json" doc:"A picture has the QR code, and the state as a watermark"`
	Language string `header:"Accept-Language" doc:"zh-CN or en"`
}

type voucherOutput struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func (s *server) registerVoucher(api huma.API) {
	op := s.operation(api, route{id: "get-voucher", method: http.MethodGet, path: "/v1/payments/{id}/voucher",
		summary: "Read a payment's voucher",
		about: "Temporary until the HIS has the registration, void once the money goes back. " +
			"The QR code is a signed token that a counter can check offline; only the API knows the state of now."})
	schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[wire.Voucher](), true, "Voucher")
	op.Responses["200"] = &huma.Response{Description: "The voucher, or its picture", Content: map[string]*huma.MediaType{
		"application/json": {Schema: schema},
		"image/png":        {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		"image/svg+xml":    {Schema: &huma.Schema{Type: huma.TypeString}},
	}}
	huma.Register(api, op, func(ctx context.Context, in *voucherInput) (*voucherOutput, error) {
		out, err := s.voucher(ctx, in)
		if err != nil {
			return nil, s.refuse(ctx, err)
		}
		return out, nil
	})
}

func (s *server) voucher(ctx context.Context, in *voucherInput) (*voucherOutput, error) {
	v, err := s.payment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if v.Voucher == nil {
		return nil, newProblem(CodeNoVoucher)
	}
	token, err := s.vouchers.Sign(voucher.Claim{HospitalID: v.HospitalID, OrderNo: v.OrderNo,
		Code: v.Voucher.Code, SlotAt: v.SlotAt, AmountFen: v.Amount.Minor()})
	if err != nil {
		return nil, err
	}
	if in.Format == "json" {
		w := wire.VoucherOf(v)
		w.Token = token
		body, err := json.Marshal(w)
		return &voucherOutput{ContentType: "application/json", Body: body}, err
	}
	card := cardOf(v, token)
	if inbound.LanguageOf(in.Language) == English {
		card.Language = voucher.English
	}
	var b bytes.Buffer
	out := &voucherOutput{ContentType: "image/png", Disposition: `inline; filename="voucher.png"`}
	if in.Format == "svg" {
		out.ContentType, out.Disposition = "image/svg+xml", `inline; filename="voucher.svg"`
		err = card.SVG(&b)
	} else {
		err = card.PNG(&b)
	}
	out.Body = b.Bytes()
	return out, err
}

func cardOf(v store.View, token string) voucher.Card {
	return voucher.Card{
		State: voucher.State(wire.VoucherStateOf(v)), Code: v.Voucher.Code, Token: token,
		Name: v.MaskedName, Department: v.Department, Doctor: v.Doctor, SlotAt: v.SlotAt,
		OrderNo: v.OrderNo, Amount: v.Amount, IssuedAt: v.Voucher.IssuedAt, Language: voucher.Chinese,
	}
}
