# RFC 5463 4: the same for what extensions add to the words of others: tags, match types, comparators.
require "ihave";
if allof (size :under 1, ihave ["relational", "comparator-i;ascii-numeric"]) { discard; }
if header :value "ge" :comparator "i;ascii-numeric" "x-number" "1" { discard; }
