require "include";
include "d4";
include "d4";
include "d4";
include "d4";
include "d4";
