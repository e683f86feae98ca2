package workflows

// Pay is RegistrationPayment that tells what its begin comes to.
var Pay = pay
