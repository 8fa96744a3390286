# RFC 5429 2.1.1: reject beside an action that delivers is a run-time error: nothing but the keep (filters/libsieve/FAULTS B15).
require "reject";
reject "no";
keep;
