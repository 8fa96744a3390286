require "include";
include "d8";
include "d8";
include "d8";
include "d8";
include "d8";
