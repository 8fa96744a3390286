# RFC 5230 4.2: the same string as the value of another parameter is another response.
require "vacation";
vacation :from "a@example.com" "a@example.com";
