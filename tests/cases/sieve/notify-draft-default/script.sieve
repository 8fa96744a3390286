# Issue 11.7: without :message it is From and Subject; the importance is high, as Pigeonhole has it.
require "notify";
notify :options "a@example.com";
