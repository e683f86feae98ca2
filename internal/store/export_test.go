package store

// AheadOf is the query behind LineBefore, for its plan.
const AheadOf = aheadOf
