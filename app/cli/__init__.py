"""The command line: `numeral up | api | worker | migrate | train | predict | jobs | keys | gc | doctor`."""
