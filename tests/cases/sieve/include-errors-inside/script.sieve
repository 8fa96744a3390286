# RFC 6609 3.2: an included script must be valid; its errors carry its name, and nothing runs.
require "include";
redirect "a@example.com";
include "a";
