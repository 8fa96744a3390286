# RFC 5230 4: all tags, in any order.
require "vacation";
vacation :handle "h" :addresses "a@example.com" :from "Me Too <me@example.com>" :subject "Wég" :days 8 "text";
