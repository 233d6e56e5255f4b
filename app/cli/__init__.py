"""The command line: `numeral up | api | worker | migrate | train | predict | jobs | reproduce | keys | gc | doctor`."""
