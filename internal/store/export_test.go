package store

import "database/sql/driver"

// AheadOf is the query behind LineBefore, for its plan.
const AheadOf = aheadOf

// MostPrepared is how many statements a connection keeps.
const MostPrepared = mostPrepared

// Preparing is how the store connects.
func Preparing(c driver.Connector) driver.Connector { return preparing{c} }
