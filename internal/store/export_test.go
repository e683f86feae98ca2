package store

import (
	"context"
	"database/sql/driver"
)

// AheadOf is the query behind LineBefore, for its plan.
const AheadOf = aheadOf

// MostPrepared is how many statements a connection keeps.
const MostPrepared = mostPrepared

// Preparing is how the store connects.
func Preparing(c driver.Connector) driver.Connector { return preparing{c} }

// Spellings are the numbers that a search looks for.
func Spellings(text string) []string { return spellings(text) }

// HoldPasswords takes the turns of all passwords until they are given back.
func (s *Store) HoldPasswords() (release func()) {
	for range cap(s.passwords) {
		s.passwords <- struct{}{}
	}
	return func() {
		for range cap(s.passwords) {
			<-s.passwords
		}
	}
}

// VerifyByPages is VerifyAudit with pages of another size.
func (s *Store) VerifyByPages(ctx context.Context, subject string, page int) error {
	return s.verifyAudit(ctx, subject, page)
}

// MostHappenings is how much of a payment's log a page tells.
const MostHappenings = mostHappenings

// StepStatements are what the steps of a payment without trouble run.
var StepStatements = []string{lookPatient, insertPayment, readPayment, readBegun, readCharge,
	writePayment, writeBegun, writeAttempt, writeCapture}
