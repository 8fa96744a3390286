require "include";
include "d1";
include "d1";
include "d1";
include "d1";
include "d1";
