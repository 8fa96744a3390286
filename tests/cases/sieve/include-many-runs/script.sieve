# Issue 3, RFC 6609 3.1: few scripts that include each other five times run 5 to the 9th times; the work is counted, the mail kept.
require "include";
include "d0";
include "d0";
include "d0";
include "d0";
include "d0";
