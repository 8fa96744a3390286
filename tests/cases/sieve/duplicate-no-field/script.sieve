# RFC 7352 3.1: without the field the test is false, always; so it is with a name that no field can have.
require "duplicate";
if duplicate { discard; }
if duplicate :header "x-nothing" { discard; }
if duplicate :header "not a name" { discard; }
