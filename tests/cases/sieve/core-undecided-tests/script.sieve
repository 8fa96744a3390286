# A test that does not decide leaves those behind it alive: what is wrong in them is wrong.
require "ihave";
if anyof (header "subject" "a", header :nosuch "a" "b") { stop; }
if allof (header "subject" "a", unknowntest "x") { stop; }
if anyof (false, unknowntest "x") { stop; }
if allof (true, header :nosuch "a" "b") { stop; }
if not anyof (header "subject" "a", true, header :nosuch "a" "b") { stop; }
