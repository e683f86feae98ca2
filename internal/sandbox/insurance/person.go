package insurance

import "time"

// idTypeResident is the resident identity card in the platform's dictionary of
// certificate types (psn_cert_type). Other types are taken as they are.
const idTypeResident = "01"

// validResidentID checks an 18-character resident identity number: digits, a
// possible birthday, and the check character of GB 11643 (ISO 7064 mod 11-2).
func validResidentID(id string) bool {
	if len(id) != 18 {
		return false
	}
	weight, sum := 1, 0
	for i := 16; i >= 0; i-- {
		c := id[i]
		if c < '0' || c > '9' {
			return false
		}
		weight = weight * 2 % 11 // 2^(17-i) mod 11
		sum += int(c-'0') * weight
	}
	if _, err := time.Parse("20060102", id[6:14]); err != nil {
		return false
	}
	return "10X98765432"[sum%11] == upper(id[17])
}

func upper(c byte) byte {
	if c == 'x' {
		return 'X'
	}
	return c
}
