package workflows

import (
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/regpay/regpay/internal/payment"
)

// The search attributes. They are not encrypted, so none of them holds
// personal data (I10).
var (
	PaymentStatus  = temporal.NewSearchAttributeKeyKeyword("PaymentStatus")
	PaymentChannel = temporal.NewSearchAttributeKeyKeyword("PaymentChannel")
	HospitalID     = temporal.NewSearchAttributeKeyKeyword("HospitalID")
	OrderNo        = temporal.NewSearchAttributeKeyKeyword("OrderNo")
	ReviewReason   = temporal.NewSearchAttributeKeyKeyword("ReviewReason")
	AmountFen      = temporal.NewSearchAttributeKeyInt64("AmountFen")
	// Attention is set while a payment stands out: see the Attention… values.
	Attention   = temporal.NewSearchAttributeKeyKeyword("Attention")
	PayDeadline = temporal.NewSearchAttributeKeyTime("PayDeadline")
)

// Values of Attention.
const (
	AttentionOverdue    = "review_overdue" // nobody decided in time
	AttentionHISDelayed = "his_delayed"    // paid, and the HIS cannot be reached for hours
)

// SearchAttributes is what a namespace has to know before a payment starts.
func SearchAttributes() map[string]enumspb.IndexedValueType {
	return map[string]enumspb.IndexedValueType{
		PaymentStatus.GetName():  enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		PaymentChannel.GetName(): enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		HospitalID.GetName():     enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		OrderNo.GetName():        enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		ReviewReason.GetName():   enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		Attention.GetName():      enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		AmountFen.GetName():      enumspb.INDEXED_VALUE_TYPE_INT,
		PayDeadline.GetName():    enumspb.INDEXED_VALUE_TYPE_DATETIME,
	}
}

// attributes are set when a payment starts. The status is the one in which it
// will wait for longest, so that a payment without trouble writes it only once
// more, at its end.
func attributes(r payment.Request, now time.Time) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		PaymentStatus.ValueSet(string(payment.AwaitingPayment)),
		PaymentChannel.ValueSet(string(r.Choice.Method)),
		HospitalID.ValueSet(r.Order.HospitalID),
		OrderNo.ValueSet(r.Order.OrderNo),
		AmountFen.ValueSet(r.Order.Amount.Minor()),
		PayDeadline.ValueSet(r.Deadline(now)),
	)
}

// startedAs is the status that a payment's start has shown. Payments of before
// the patient's proof was passed over were started as verifying.
func startedAs(ctx workflow.Context) payment.Status {
	if s, ok := workflow.GetTypedSearchAttributes(ctx).GetKeyword(PaymentStatus); ok {
		return payment.Status(s)
	}
	return payment.AwaitingPayment
}

// show writes the attributes that differ from what the server has.
func show(ctx workflow.Context, want ...temporal.SearchAttributeUpdate) {
	// Fails only for a key or value that the SDK cannot encode, of which the
	// fixed list above has none.
	if err := workflow.UpsertTypedSearchAttributes(ctx, want...); err != nil {
		panic("workflows: search attributes: " + err.Error())
	}
}
