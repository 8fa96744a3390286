require "include";
include "d5";
include "d5";
include "d5";
include "d5";
include "d5";
