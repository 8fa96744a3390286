require "include";
include "d7";
include "d7";
include "d7";
include "d7";
include "d7";
