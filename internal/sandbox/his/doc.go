// Package his plays a hospital information system that speaks FHIR R4, for
// several hospitals at once: each is told apart by its bearer token and sees
// only its own resources.
//
// It is a counterparty, not a mock. It reads resources strictly (an element that
// it does not know, or that is empty, is refused, because a system that ignored
// it would lose what the sender meant), it makes its own checks of the order, the
// slot and the payment, and it keeps books in which an outsider can read every
// appointment and every payment notice.
//
// # What it speaks
//
//   - GET  /fhir/metadata: the CapabilityStatement, without a token; also the health probe.
//   - POST /fhir/{Appointment,PaymentNotice}, plain or conditional
//     (If-None-Exist: identifier=system|value): 201 when none matched, 200 and the
//     stored resource when one did, 412 when several did
//     (https://hl7.org/fhir/R4/http.html#ccreate). The check and the creation are
//     one atomic step. A plain POST makes a second resource, as a real server
//     would: the books then show the sender's mistake.
//   - GET  /fhir/{type}/{id} and GET /fhir/{type}?identifier=system|value (a searchset).
//   - PUT and PATCH (JSON Patch) /fhir/{type}/{id}: to cancel, and to change what is
//     not an identity (no other order, slot, amount or request).
//
// # Its own rules
//
// An Appointment is booked on exactly one slot, given as Slot/id or by identifier. A
// slot belongs to one order: another order, or a slot that is gone, is refused with
// HTTP 409 and an OperationOutcome whose issue code is "conflict" and whose details
// carry the code "slot-gone" of [IssueSystem]. That refusal is final: the money
// has to go back. Cancelling an appointment frees its slot.
//
// A PaymentNotice names its Appointment in request (a literal reference or a logical
// one by identifier); when request is absent, payment is read the same way, and
// then an identifier that both carry. The amount is in yuan, a JSON number of at most two
// decimals, never read as a float. One appointment may have several notices (a
// mixed payment has two tenders); the books add up the active ones.
//
// All of it is safe for concurrent use.
package his
