package payment

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// MaxAttempts is how many charges, and how many refunds, one order can have:
// the numbers sent to channels keep two digits for it.
const MaxAttempts = 99

var (
	orderNo    = regexp.MustCompile(`^[0-9A-Za-z]{6,24}$`)
	hospitalID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,31}$`)
	idAlphabet = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)
)

// IsHospitalID says whether a hospital can have this id: lower-case letters,
// digits and hyphens, 2 to 32.
func IsHospitalID(id string) bool { return hospitalID.MatchString(id) }

// ID names a payment towards callers. It is derived from hospital and order,
// so that it needs no lookup and a repeated start has the same one, and it
// tells a reader nothing of either.
func ID(hospital, order string) string {
	sum := sha256.Sum256([]byte("regpay payment\x00" + hospital + "\x00" + order))
	return "pay_" + idAlphabet.EncodeToString(sum[:15])
}

// MerchantNo is the number of an order's n-th charge at a channel (I4):
// the order number and a fixed suffix such as "A01". Letters and digits alone,
// 9 to 27 of them, since that is what every channel takes (UnionPay allows no
// dash, WeChat Pay at most 32 characters).
func MerchantNo(order string, attempt int) string { return fmt.Sprintf("%sA%02d", order, attempt) }

// RefundNo is the number of an order's n-th refund at a channel (I4).
func RefundNo(order string, n int) string { return fmt.Sprintf("%sR%02d", order, n) }

// SplitMerchantNo takes a charge's number apart. The last result is false for
// a number that MerchantNo cannot have made.
func SplitMerchantNo(no string) (order string, attempt int, ok bool) { return split(no, 'A') }

// SplitRefundNo takes a refund's number apart, as SplitMerchantNo does.
func SplitRefundNo(no string) (order string, n int, ok bool) { return split(no, 'R') }

func split(no string, mark byte) (string, int, bool) {
	at := len(no) - 3
	if at < 0 || no[at] != mark || strings.ContainsAny(no[at+1:], "+-") {
		return "", 0, false
	}
	n, err := strconv.Atoi(no[at+1:])
	if err != nil || n < 1 || !orderNo.MatchString(no[:at]) {
		return "", 0, false
	}
	return no[:at], n, true
}
