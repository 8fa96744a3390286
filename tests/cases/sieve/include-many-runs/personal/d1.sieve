require "include";
include "d2";
include "d2";
include "d2";
include "d2";
include "d2";
