// Package sandbox is the common ground of the counterparties that a hospital's
// payments depend on: WeChat Pay, UnionPay, the insurance platform, the HIS and
// the identity services.
//
// The idea: each one is played by a server that behaves as the real one does
// towards a stranger. It believes nothing that is not signed, refuses what the
// real one refuses, and keeps books of its own, so that what regpay says can be
// held against what the other side recorded. The counterparties are written
// from the protocols alone and share no code with the clients that call them:
// a mistake in one is not mirrored by the other.
//
// This package has what all of them need and nothing of any protocol:
//
//   - [Env], handed to each counterparty's constructor: clock, key files,
//     background work, notifier, patients, log.
//   - [Book]: charges and refunds, with the rules that no channel breaks.
//   - [Faults]: what goes wrong on purpose, seeded and replaceable at run time.
//   - [Notifier]: delivery of notifications on the counterparty's own schedule.
//   - [Patients]: the people who pay, pay late, pay twice or walk away.
//   - [Counterparty] and [Run]: how a main program assembles and serves them.
//
// A counterparty is a package below this one with `New(env *sandbox.Env)`
// returning something that satisfies [Counterparty].
package sandbox
