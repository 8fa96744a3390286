require "vacation";
vacation :addresses "ben-at-work@example.net" "I am away";
