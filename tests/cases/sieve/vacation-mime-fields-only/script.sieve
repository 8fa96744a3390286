# RFC 5230 5: fields alone are an entity with an empty body; no warning.
require "vacation";
vacation :mime "Content-Type: text/plain";
