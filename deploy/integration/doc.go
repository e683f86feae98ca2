// Package integration tests regpay from outside, on real parts: PostgreSQL,
// the official Temporal server, the sandbox's counterparties, a worker and the
// API are processes, started once for the package (TestMain) on a private
// stack.
//
// The tests run side by side, each with orders and patients of its own. What
// is everybody's — a counterparty that one test breaks, a process that another
// one kills — is held like a lock: see hold. When all of them are done, the
// books that they left behind are audited as a whole.
package integration
