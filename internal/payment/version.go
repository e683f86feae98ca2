package payment

// Version is the product's, in the API's description and on the command line.
const Version = "0.1.0"
