# RFC 5703 4.1: :count with an aspect is of the fields that could be read: not of other fields.
require ["mime", "fileinto", "relational", "comparator-i;ascii-numeric"];
if header :mime :anychild :type :count "eq" :comparator "i;ascii-numeric" ["content-type", "subject", "to"] "7" { fileinto "type"; }
if header :mime :subtype :count "eq" :comparator "i;ascii-numeric" "subject" "0" { fileinto "subtype"; }
if header :mime :anychild :contenttype :count "eq" :comparator "i;ascii-numeric" "content-disposition" "1" { fileinto "contenttype"; }
