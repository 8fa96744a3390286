# RFC 5230 4.3: more than one mailbox.
require "vacation";
vacation :handle "h" :from "A <a@example.com>, \"B, C\" <b@example.com>" "t";
