// Package payment is the domain: what a registration payment is and which
// rules hold for it, without any input or output.
//
// A payment is for one registration order of one hospital. The patient's
// Choice says how it is paid; it plans one or more tenders, each a charge on
// one channel. Every try to charge is an attempt with a number derived from
// the order (rule I4), so that a repeat can never become a second charge. A
// Status names where the payment stands, and the transitions between them are
// the only ones that the books accept.
//
// Values here travel between the HTTP API, the workflows, the activities and
// the database; their JSON is part of the public contract.
package payment
