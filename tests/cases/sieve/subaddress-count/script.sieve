# RFC 5231 4.2: addresses are counted, whatever part of them is asked for; the null sender is none.
require ["subaddress", "relational", "comparator-i;ascii-numeric", "envelope", "fileinto"];
if envelope :detail :count "eq" :comparator "i;ascii-numeric" "to" "1" { fileinto "envelope-to"; }
if address :detail :count "eq" :comparator "i;ascii-numeric" "to" "2" { fileinto "to"; }
if envelope :count "eq" :comparator "i;ascii-numeric" "from" "0" { fileinto "null"; }
if envelope :is "from" "" { fileinto "empty"; }
