require "variables";
if not string "${1}" "" { discard; }
if header :matches "from" "*@*" { }
