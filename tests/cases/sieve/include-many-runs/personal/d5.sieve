require "include";
include "d6";
include "d6";
include "d6";
include "d6";
include "d6";
