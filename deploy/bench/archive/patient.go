package archive

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/regpay/regpay/internal/payment"
)

// visitsPerPatient is how often a patient of a hospital comes on average over
// all of the books.
const visitsPerPatient = 3

// patient is the n-th patient of the installation: nobody's, since no division
// has their number's first six digits.
func patient(n int) payment.Patient {
	born := time.Date(1940, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n/900%25_000)
	id := fmt.Sprintf("999999%s%03d", born.Format("20060102"), 100+n%900)
	return payment.Patient{Name: "欧阳测试", IDType: payment.IDCard, IDNumber: id + string(payment.IDCardCheck(id)),
		Phone: fmt.Sprintf("139%08d", n), OpenID: fmt.Sprintf("openid-of-nobody-%09d", n)}
}

// patientOf draws a patient of a hospital that has so many payments. Every
// hospital has patients of its own; one visit in ten is one of the hundredth of
// them who come all the time.
func patientOf(r *rand.Rand, hospital, payments int) payment.Patient {
	n := max(payments/visitsPerPatient, 1)
	if r.IntN(10) == 0 {
		n = max(n/100, 1)
	}
	return patient(hospital*patientsOfOne + r.IntN(n))
}

// patientsOfOne keeps the hospitals' patients apart.
const patientsOfOne = 1_000_000

// hospitalID names the n-th hospital.
func hospitalID(n int) string { return fmt.Sprintf("hospital-%02d", n) }

// sizes are how many of so many payments each hospital has: half as many as the
// one before it, and at least one.
func sizes(payments, hospitals int) []int {
	out := make([]int, hospitals)
	left := payments
	for i := range out {
		out[i] = max(left/2, 1)
		if i == hospitals-1 {
			out[i] = max(left, 1)
		}
		left -= out[i]
	}
	return out
}

// draw picks a hospital by its size.
func draw(r *rand.Rand, sizes []int) int {
	total := 0
	for _, n := range sizes {
		total += n
	}
	at := r.IntN(total)
	for i, n := range sizes {
		if at -= n; at < 0 {
			return i
		}
	}
	return len(sizes) - 1
}
