# RFC 5228 2.4.2.4: surrogates and what is over 10FFFF are errors.
require "encoded-character";
if header "subject" "${unicode:D800}" { keep; }
if header "subject" "${unicode:110000}" { keep; }
