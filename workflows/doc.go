// Package workflows is the life of a registration payment as durable
// workflows, and the public contract of whoever starts and steers them.
//
// RegistrationPayment takes an order from confirmation to the HIS; Refund
// returns captured money by its original route; StrayPayment returns money
// that came in for a payment which could not use it. Every step is first
// tried inside the workflow task, where it costs next to nothing, and on
// trouble moves to the task queue of the system it needs, where patience is a
// retry policy and an operator can see it waiting (profiles.go).
//
// A Go program that books appointments imports this package and calls Begin.
// Everybody else uses the HTTP API, which does the same.
package workflows
