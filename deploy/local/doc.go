// Package local is a whole installation of regpay on one machine: deploy/stack
// brings the parts up, this package makes of them something that can be paid
// with.
//
// It plays the part of the person who installs regpay: it takes what the
// counterparties handed out at onboarding, generates the secrets that are
// regpay's own, writes the one configuration file that both processes read,
// has the database and the namespace set up, starts the workers and the API,
// and makes API keys. Nothing in it is known to regpay itself, so what runs
// here is what would run anywhere.
//
// The demo, the integration tests, the benchmarks and the fault runs start
// from the same [Start]:
//
//	in, err := local.Start(ctx, local.Options{Stack: stack.Options{Name: "test"}})
//	…
//	defer in.Stop(context.Background())
//	answer, err := in.API.Start(ctx, wire.Start{…})
//	err = in.Sandbox.PayTender(ctx, *answer.Tender, sandbox.Pay, 0)
//
// The console is served as well, and [Installation.Person] is who signs in
// there.
//
// [API] is regpay's own client of the HTTP API, and [Sandbox] one of the
// sandbox's admin interface, with which a program acts as the patient, reads
// the counterparties' own books, or breaks them.
package local
